import type { MessageSent, ReadAnswer, RouterRequest } from '../../shared/contracts/rpc.ts';
import { KahaError } from '../../shared/errors.ts';
import type { RpcContext, RpcHandler } from '../../shared/nats/bus.ts';
import type { ConversationActors } from './conversations/conversation-actors.ts';
import type { Conversations } from './conversations/conversations.ts';
import type { MessageChanges } from './conversations/message-changes.ts';
import type { LiveReceipts } from './positions/live-receipts.ts';
import type { Reads } from './positions/reads.ts';
import type { Receipts } from './positions/receipts.ts';
import type { RouterMetrics } from './router-metrics.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Typing } from './typing/typing.ts';

/** The edge waits 4 s: our answer, whatever it is, has to come before. */
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

/** What `rpc.router.<instance>` answers; the operation is in the body. */
export function createOperations(deps: Deps): RpcHandler {
  const { actors, conversations, messageChanges, sessions, metrics } = deps;
  const { receipts, liveReceipts, reads, typing } = deps;

  const send = async (
    request: Extract<RouterRequest, { op: 'message' }>,
    context: RpcContext,
  ): Promise<MessageSent> => {
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

  return (body, { deadlineAt: theirs, trace }) => {
    const request = body as RouterRequest;
    const deadlineAt = Math.min(theirs, Date.now() + DEADLINE_MS);
    const context = { deadlineAt, trace };
    switch (request.op) {
      case 'message':
        return send(request, context);
      case 'session.open':
        return sessions.open(request, deadlineAt);
      case 'delivered':
        void liveReceipts.delivered(request.items);
        return receipts.delivered(request.items);
      case 'read':
        return readOf(request, reads, deadlineAt);
      case 'typing':
        return typing.receive(request, deadlineAt);
      case 'conversations.create':
        return conversations.create(request, context);
      case 'conversations.get':
        return conversations.get(request, context);
      case 'conversations.list':
        return conversations.list(request, context);
      case 'messages.edit':
        return messageChanges.edit(request, context);
      case 'messages.delete':
        return messageChanges.delete(request, context);
      case 'messages.react':
        return messageChanges.react(request, context);
      case 'conversations.update':
      case 'conversations.add':
      case 'conversations.remove':
      case 'conversations.archive':
      case 'conversations.mute':
      case 'conversations.unmute':
        return conversations.change(request, context);
      default:
        throw new KahaError('INVALID_REQUEST', 'Unknown operation');
    }
  };
}

function readOf(
  { op: _op, ...input }: Extract<RouterRequest, { op: 'read' }>,
  reads: Reads,
  deadlineAt: number,
): Promise<ReadAnswer> {
  return reads.read(input, deadlineAt);
}

const SENT = { outcome: 'sent' };
const DUPLICATE = { outcome: 'duplicate' };
