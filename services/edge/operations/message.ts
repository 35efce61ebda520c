import type { ConversationId } from '../../../shared/ids.ts';
import { MessageFrame } from '../../../shared/protocol/client-frames.ts';
import { metadataProblem } from '../../../shared/protocol/message-input.ts';
import { MessageSentShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import type { Typing } from '../presence/typing.ts';
import type { StickyRoute } from '../routers/router-client.ts';
import type { Session } from '../session/session.ts';
import { defineOperation, type Operation } from './operation.ts';

/** Sends of one socket to one conversation keep their order: they go to the same router. */
export function messageOperation(messages: Messages, typing: Typing): Operation {
  return defineOperation({
    type: 'message',
    summary: 'Sends a message, once for each client_msg_id; always answered',
    cost: 'send',
    isAlwaysAnswered: true,
    schema: MessageFrame,
    answer: MessageSentShape,
    problem: (frame) => metadataProblem(frame.metadata),
    async handle(frame, { session, userId }) {
      const { type: _type, id: _id, ...input } = frame;
      const sticky = stick(session, frame.conversation_id);
      try {
        const sent = await messages.send({ user_id: userId, ...input }, { sticky });
        typing.sent(session, frame.conversation_id);
        return sent;
      } finally {
        unstick(session, frame.conversation_id, sticky);
      }
    },
  });
}

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
