import type {
  RouterOps,
  RouterRequest,
  RouterRequestOf,
} from '../../shared/contracts/router-ops.ts';
import { KahaError } from '../../shared/errors.ts';
import type { RpcHandler } from '../../shared/nats/bus.ts';
import type { ConversationActors } from './conversations/conversation-actors.ts';
import type { Conversations } from './conversations/conversations.ts';
import type { MessageChanges } from './conversations/message-changes.ts';
import type { LiveReceipts } from './positions/live-receipts.ts';
import type { Reads } from './positions/reads.ts';
import type { Receipts } from './positions/receipts.ts';
import type { RouterMetrics } from './router-metrics.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Typing } from './typing/typing.ts';

/** The edge waits 4 s, and the router's answer has to come before, whatever it is. */
const DEADLINE_MS = 3_000;

type Deps = {
  actors: ConversationActors;
  conversations: Conversations;
  messageChanges: MessageChanges;
  sessions: Sessions;
  receipts: Receipts;
  liveReceipts: LiveReceipts;
  reads: Reads;
  typing: Typing;
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
    const deadlineAt = Math.min(theirs, Date.now() + DEADLINE_MS);
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
  const { conversations, messageChanges, sessions, receipts, liveReceipts, reads, typing } = deps;
  return {
    message: createSend(deps),
    'session.open': (request, { deadlineAt }) => sessions.open(request, deadlineAt),
    delivered({ items }) {
      void liveReceipts.delivered(items);
      return receipts.delivered(items);
    },
    read: ({ op: _op, ...input }, { deadlineAt }) => reads.read(input, deadlineAt),
    typing: (request, { deadlineAt }) => typing.receive(request, deadlineAt),
    'conversations.create': (request, context) => conversations.create(request, context),
    'conversations.update': (request, context) => conversations.change(request, context),
    'conversations.add': (request, context) => conversations.change(request, context),
    'conversations.remove': (request, context) => conversations.changeUnseen(request, context),
    'conversations.archive': (request, context) => conversations.changeUnseen(request, context),
    'conversations.mute': (request, context) => conversations.changeUnseen(request, context),
    'conversations.unmute': (request, context) => conversations.changeUnseen(request, context),
    'messages.edit': (request, context) => messageChanges.edit(request, context),
    'messages.delete': (request, context) => messageChanges.delete(request, context),
    'messages.react': (request, context) => messageChanges.react(request, context),
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

const SENT = { outcome: 'sent' };
const DUPLICATE = { outcome: 'duplicate' };
