import { sql, type Transaction } from 'kysely';
import type { InboxChange, InboxOwner, StepReason } from '../../../shared/contracts/inbox.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { Database } from '../database/schema.ts';
import { toReaderRecord } from '../records/conversation-record.ts';
import type { ConversationRow, LoadedConversation } from '../records/conversation-rows.ts';
import { present } from '../records/present.ts';

/** A step has changed the state or the agent of a business conversation, or a message came. */
export type Step = {
  before: ConversationRow;
  after: LoadedConversation;
  change: InboxChange['change'];
  reason: StepReason;
  /** Is absent if nobody took the step: it was automatic. */
  actorId?: UserId;
  /** The agent who got the conversation has `open` ones of at most `capacity`, this one counted. */
  load?: { open: number; capacity: number };
};

type Steps = { businessId: BusinessId; steps: readonly Step[]; cipher: ContentCipher };

/**
 * Numbers the steps of a business, logs them, and makes a router look at the business if a step may
 * have made an assignment possible. Nothing else writes the log or the version of an inbox. The
 * caller has written the conversations. It holds their locks, and of the agents who got one.
 *
 * The inbox is the last row that a transaction locks, so that steps of one business wait for each
 * other as shortly as possible. The log's times have the order of its versions, because the clock
 * is read under that lock.
 */
export async function writeSteps(
  tx: Transaction<Database>,
  { businessId, steps, cipher }: Steps,
): Promise<InboxChange[]> {
  if (steps.length === 0) return [];
  const dues = steps.map(dueBy);
  const logged = steps.map(toLogRow).filter(({ step }) => step !== 'updated');
  const column = <Name extends keyof LogRow>(name: Name) => logged.map((row) => row[name]);
  const { rows } = await sql<Place>`
    select version, now, is_due from write_steps(${businessId}, ${steps.length}::int,
      ${dues.includes('always')}, ${dues.includes('if_waiting')},
      ${steps.flatMap((step) => gainerOf(step) ?? [])}::uuid[], ${column('nth')}::int[],
      ${column('conversation_id')}::uuid[], ${column('step')}::text[], ${column('reason')}::text[],
      ${column('actor_id')}::uuid[], ${column('agent_id')}::uuid[],
      ${column('from_agent_id')}::uuid[], ${column('waiting_since')}::timestamptz[],
      ${column('open')}::int[], ${column('capacity')}::int[])`.execute(tx);
  const last = rows[0] as Place;
  return steps.map((step, index) => {
    const version = last.version - steps.length + 1 + index;
    const due = dues[index];
    const is_due = due === 'always' || (due === 'if_waiting' && last.is_due);
    return toChange(businessId, step, { ...last, version, is_due, cipher });
  });
}

/**
 * Says when a router has to look at the business after a step. A conversation that waits anew can
 * be given out. One that is given out by hand may go to an agent who is away, and a router has to
 * look when it goes back. The place of a closed one may go to what waits. What a router itself
 * gives out makes nothing possible.
 */
function dueBy(step: Step): 'always' | 'if_waiting' | 'never' {
  if (step.change === 'updated') return 'never';
  if (step.after.conversation.state === 'waiting') return 'always';
  if (gainerOf(step) !== null && step.reason !== 'auto') return 'always';
  return loserOf(step) === null ? 'never' : 'if_waiting';
}

type LogRow = ReturnType<typeof toLogRow>;

function toLogRow(step: Step, index: number) {
  const { before, after, change, reason, actorId, load } = step;
  return {
    nth: index + 1,
    conversation_id: before.conversation_id,
    step: change,
    reason,
    actor_id: actorId ?? null,
    agent_id: gainerOf(step),
    from_agent_id: loserOf(step),
    waiting_since: after.conversation.waiting_since ?? before.waiting_since,
    open: load?.open ?? null,
    capacity: load?.capacity ?? null,
  };
}

function gainerOf({ before, after: { conversation } }: Step): UserId | null {
  return conversation.assignee_id === before.assignee_id ? null : conversation.assignee_id;
}

function loserOf({ before, after: { conversation } }: Step): UserId | null {
  return conversation.assignee_id === before.assignee_id ? null : before.assignee_id;
}

type Place = { version: number; now: string; is_due: boolean };

function toChange(
  business_id: BusinessId,
  step: Step,
  { version, now, is_due, cipher }: Place & { cipher: ContentCipher },
): InboxChange {
  const { before, after, change, reason } = step;
  const { conversation_id, waiting_since: waited, opened_at: opened } = before;
  const msSince = (time: string) => Math.max(Date.parse(now) - Date.parse(time), 0);
  return {
    business_id,
    version,
    change,
    conversation_id,
    before: ownerOf(before),
    after: ownerOf(after.conversation),
    record: toReaderRecord(after, cipher),
    is_due,
    reason,
    ...(change === 'assigned' && waited !== null && { waited_ms: msSince(waited) }),
    ...(change === 'closed' && opened !== null && { resolution_ms: msSince(opened) }),
  };
}

export function ownerOf(conversation: ConversationRow): InboxOwner {
  const { state, customer_id } = conversation;
  if (state === null || customer_id === null) throw new Error('not of a business');
  return { state, customer_id, ...present(conversation, ['assignee_id', 'last_agent_id']) };
}
