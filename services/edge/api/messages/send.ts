import type { ConversationId } from '../../../../shared/ids.ts';
import { EXAMPLE, exampleSent } from '../../../../shared/protocol/examples.ts';
import { metadataProblem, SendRequest } from '../../../../shared/protocol/message-requests.ts';
import { MessageSentShape } from '../../../../shared/protocol/shapes.ts';
import type { StickyRoute } from '../../routers/router-client.ts';
import type { Session } from '../../session/session.ts';
import { defineOperation } from '../operation.ts';

/**
 * Sends a message. Sends of one socket to one conversation keep their order, because they go to
 * the same router as long as one of them is unanswered.
 */
export const sendMessage = defineOperation({
  summary: 'Sends a message, once for each client_msg_id',
  cost: 'send',
  request: SendRequest,
  answer: MessageSentShape,
  example: {
    request: {
      conversation_id: EXAMPLE.conversation,
      client_msg_id: EXAMPLE.clientMsgId,
      content: 'See you at eight',
    },
    answer: exampleSent,
  },
  problem: metadataProblem,
  async handle(request, { userId, session, trace, deadlineAt }, { routers, typing }) {
    const key = request.conversation_id;
    const input = { user_id: userId, ...request };
    const route = { key, trace, deadlineAt };
    if (session === undefined) return await routers.ask('message', input, route);
    const sticky = stick(session, key);
    try {
      const sent = await routers.ask('message', input, { ...route, sticky });
      typing.sent(session, key);
      return sent;
    } finally {
      unstick(session, key, sticky);
    }
  },
  frame: {
    type: 'message',
    summary: 'Sends a message, once for each client_msg_id; always answered',
    answered: 'always',
  },
  rest: [
    {
      method: 'POST',
      path: '/conversations/:conversation_id/messages',
      bodyName: 'MessageInput',
      idempotencyKey: 'client_msg_id',
      statuses: { 201: 'Sent', 200: 'Sent before; the first one is shown' },
      status: ({ duplicate }) => (duplicate === true ? 200 : 201),
    },
  ],
});

function stick(session: Session, conversationId: ConversationId): StickyRoute {
  session.sticky ??= new Map();
  let route = session.sticky.get(conversationId);
  if (route === undefined) {
    route = { instance: undefined, unanswered: 0 };
    session.sticky.set(conversationId, route);
  }
  route.unanswered += 1;
  return route;
}

function unstick(session: Session, conversationId: ConversationId, route: StickyRoute): void {
  route.unanswered -= 1;
  if (route.unanswered > 0) return;
  session.sticky?.delete(conversationId);
  if (session.sticky?.size === 0) session.sticky = undefined;
}
