import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { BusinessCommands } from '../../../shared/contracts/businesses.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ErasedSignal } from '../../../shared/contracts/jobs/erasures.ts';
import type { JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Queues } from '../queues/create-queues.ts';

type Context = { deadlineAt: number; trace: undefined };
type TaskDeps = {
  bus: Pick<Bus, 'publish'>;
  queues: Pick<Queues, 'known' | 'devices' | 'isCurrent'>;
  change: (command: ConversationCommand, context: Context) => Promise<unknown>;
  removeAgent: (
    request: { op: 'businesses.remove_agent' } & BusinessCommands['businesses.remove_agent'][0],
    context: Context,
  ) => Promise<unknown>;
};

const TASK_MS = 2_500;
const USERS_AT_ONCE = 16;
/** These refusals say that the task was done before. */
const DONE_BEFORE: readonly KahaError['code'][] = [
  'NOT_A_PARTICIPANT',
  'NOT_FOUND',
  'CONVERSATION_NOT_FOUND',
];

/** Does a task of a job. Rejects if it could not be done now. */
export async function carryOutTask(deps: TaskDeps, task: JobTask): Promise<void> {
  const context = { deadlineAt: steadyMs() + TASK_MS, trace: undefined };
  switch (task.task) {
    case 'sign_out':
      return signOut(deps, task.user_id);
    case 'resync':
      return resync(deps, task.user_ids);
    case 'leave': {
      const { conversation_id, user_id } = task;
      const who = { conversation_id, user_id, participant_id: user_id };
      return unlessDone(deps.change({ op: 'conversations.remove', ...who }, context));
    }
    case 'close': {
      const { conversation_id, business_id } = task;
      const user_id = business_id as string as UserId;
      const command = { op: 'conversations.end' as const, conversation_id, user_id };
      return unlessDone(deps.change(command, context));
    }
    case 'remove_agent': {
      const { business_id, user_id } = task;
      const request = { asker: 'service' as const, business_id, user_id };
      return unlessDone(deps.removeAgent({ op: 'businesses.remove_agent', ...request }, context));
    }
  }
}

/** Edges hear of an erasure at once. One that does not hear of it learns it from store. */
export function tellErased(bus: Pick<Bus, 'publish'>, user_id: UserId): void {
  const signal: ErasedSignal = { user_id };
  bus.publish(subjects.erased, JSON.stringify(signal));
}

async function signOut({ bus, queues }: TaskDeps, userId: UserId): Promise<void> {
  tellErased(bus, userId);
  assertCurrent(queues);
  for (const deviceId of queues.known.devicesOf(userId)) {
    await queues.devices.delete({ userId, deviceId }, 'erased');
  }
}

async function resync({ queues }: TaskDeps, userIds: readonly UserId[]): Promise<void> {
  assertCurrent(queues);
  await forEachBounded(userIds, USERS_AT_ONCE, (userId) => queues.devices.voidUser(userId));
}

/** A router that may not know all queues would leave some. */
function assertCurrent({ isCurrent }: Pick<Queues, 'isCurrent'>): void {
  if (!isCurrent()) throw new KahaError('MESSAGING_UNAVAILABLE', 'The queues are not known now');
}

async function unlessDone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!DONE_BEFORE.includes(KahaError.from(error).code)) throw error;
  }
}
