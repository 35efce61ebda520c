import type { ConversationCommand, StepCommand } from '../../shared/contracts/conversations.ts';
import type {
  RouterOps,
  RouterRequest,
  RouterRequestOf,
} from '../../shared/contracts/router-ops.ts';
import { KahaError } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import type { RpcHandler } from '../../shared/nats/bus.ts';
import type { AskStore } from '../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { StepReports } from './assignment/step-reports.ts';
import type { AgentChanges } from './businesses/agent-changes.ts';
import { createBusinessCommands, reportPresence } from './businesses/business-commands.ts';
import type { BusinessSignals } from './businesses/business-signals.ts';
import type { ConversationActors } from './conversations/conversation-actors.ts';
import type { MessageChanges } from './conversations/message-changes.ts';
import { deliveryOf } from './fan-out/deliveries.ts';
import type { OwedFanOuts } from './fan-out/owed-fan-outs.ts';
import type { Feed } from './feed/feed.ts';
import { lateTakeEvent } from './feed/late-takes.ts';
import type { LiveReceipts } from './positions/live-receipts.ts';
import type { PositionReports } from './positions/position-reports.ts';
import type { Reads } from './positions/reads.ts';
import type { QueueChecks } from './queues/queue-checks.ts';
import type { RouterMetrics } from './router-metrics.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SignOuts } from './sessions/sign-outs.ts';
import type { Typing } from './typing/typing.ts';

/** The edge waits 4 s, and the router's answer has to come before, whatever it is. */
const DEADLINE_MS = 3_000;

type Deps = {
  store: AskStore;
  fanOuts: OwedFanOuts;
  actors: ConversationActors;
  messageChanges: MessageChanges;
  agentChanges: AgentChanges;
  sessions: Sessions;
  signOuts: SignOuts;
  checks: QueueChecks;
  positionReports: PositionReports;
  liveReceipts: LiveReceipts;
  reads: Reads;
  feed: Feed;
  typing: Typing;
  steps: StepReports;
  signals: BusinessSignals;
  /** Tells edges of an erasure, and runs its job. */
  erased: (userId: UserId) => void;
  /** Says that there is a job to run. */
  runJobs: () => void;
  metrics: RouterMetrics;
};

type Context = { deadlineAt: number; trace: string | undefined };
type Operation<Op extends keyof RouterOps> = (
  request: RouterRequestOf<Op>,
  context: Context,
) => Promise<RouterOps[Op][1] extends undefined ? void : RouterOps[Op][1]>;
type Operations = { [Op in keyof RouterOps]: Operation<Op> };

/** Handles the requests on `rpc.router.<instance>`. The body names the operation. */
export function createOperations(deps: Deps): RpcHandler {
  const operations = createTable(deps);
  return (body, { deadlineAt: theirs, trace }) => {
    // Services trust the shapes of each other's requests.
    const request = body as RouterRequest;
    const deadlineAt = Math.min(theirs, steadyMs() + DEADLINE_MS);
    return carryOut(operations, request, { deadlineAt, trace });
  };
}

function carryOut<Op extends keyof RouterOps>(
  operations: Operations,
  request: RouterRequestOf<Op>,
  context: Context,
): unknown {
  if (!Object.hasOwn(operations, request.op)) {
    throw new KahaError('INVALID_REQUEST', 'Unknown operation');
  }
  const operation: Operation<Op> = operations[request.op];
  return operation(request, context);
}

function createTable(deps: Deps): Operations {
  const { messageChanges, sessions, positionReports, liveReceipts, reads, feed, typing } = deps;
  const { change, changeUnseen, step } = createChanges(deps);
  return {
    message: createSend(deps),
    'session.open': (request, { deadlineAt }) => sessions.open(request, deadlineAt),
    'devices.connected': async ({ user_id: userId }) => ({
      devices: await deps.signOuts.connected(userId),
    }),
    'devices.sign_out': ({ user_id: userId, device_id: deviceId }, { deadlineAt }) =>
      deps.signOuts.signOut({ userId, deviceId }, deadlineAt),
    'queues.check': (request, { deadlineAt }) => deps.checks.check(request, deadlineAt),
    delivered({ items }) {
      void liveReceipts.delivered(items);
      return positionReports.delivered(items);
    },
    async taken_late({ items }) {
      for (const item of items) feed.tell(lateTakeEvent(item));
    },
    'agents.presence': (request, context) => reportPresence(deps, request, context),
    read: ({ op: _op, ...input }, { deadlineAt }) => reads.read(input, deadlineAt),
    typing: (request, { deadlineAt }) => typing.receive(request, deadlineAt),
    'conversations.create': (request, context) => createConversation(deps, request, context),
    'conversations.update': change,
    'conversations.add': change,
    'conversations.remove': changeUnseen,
    'conversations.archive': changeUnseen,
    'conversations.mute': changeUnseen,
    'conversations.unmute': changeUnseen,
    'conversations.assign': step,
    'conversations.release': step,
    'conversations.close': step,
    'conversations.reopen': step,
    'messages.edit': (request, context) => messageChanges.edit(request, context),
    'messages.delete': (request, context) => messageChanges.delete(request, context),
    'messages.react': (request, context) => messageChanges.react(request, context),
    'users.erase': async ({ op, ...request }, context) => {
      const begun = await deps.store(op, request, context);
      deps.erased(request.user_id);
      return begun;
    },
    'conversations.erase_content': async ({ op, ...request }, context) => {
      const begun = await deps.store(op, request, context);
      deps.runJobs();
      return begun;
    },
    ...createBusinessCommands(deps),
  };
}

function createSend({ actors, typing, metrics }: Deps): Operation<'message'> {
  return async (request, context) => {
    try {
      const sent = await actors.send(request, context);
      metrics.messages.inc(sent.duplicate ? DUPLICATE : SENT);
      typing.sent(request);
      return sent;
    } catch (error) {
      metrics.messages.inc({ outcome: KahaError.from(error).code });
      throw error;
    }
  };
}

/** Makes a conversation, and announces a new one to all its participants. */
async function createConversation(
  { store, fanOuts }: Deps,
  { user_id, conversation }: RouterRequestOf<'conversations.create'>,
  context: Context,
) {
  const request = { user_id, conversation };
  const { created, record, entry } = await store('conversations.create', request, context);
  if (entry !== undefined) fanOuts.start(deliveryOf(entry));
  return { created, record };
}

/**
 * A caller of `change` is shown the conversation: they still take part afterwards, or are an agent
 * who took a step. A caller of `changeUnseen` is shown nothing.
 */
function createChanges({ actors, metrics }: Deps) {
  const change = async (command: ConversationCommand, context: Context) => {
    const { record } = await actors.change(command, context);
    if (record === undefined) throw new KahaError('INTERNAL', 'Store shows no conversation');
    return record;
  };
  return {
    change,
    async step(command: StepCommand, context: Context) {
      try {
        return await change(command, context);
      } catch (error) {
        metrics.stepRefusals.inc({ code: KahaError.from(error).code });
        throw error;
      }
    },
    async changeUnseen(command: ConversationCommand, context: Context): Promise<void> {
      await actors.change(command, context);
    },
  };
}

const SENT = { outcome: 'sent' };
const DUPLICATE = { outcome: 'duplicate' };
