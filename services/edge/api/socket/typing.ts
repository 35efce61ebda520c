import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { EmptyShape } from '../../../../shared/protocol/shapes.ts';
import { TypingRequest } from '../../../../shared/protocol/socket-requests.ts';
import { defineOperation } from '../operation.ts';

export const tellTyping = defineOperation({
  summary: 'Tells the others that the caller is typing, or has stopped',
  cost: 'other',
  by: 'session',
  request: TypingRequest,
  answer: EmptyShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, is_typing: true },
    answer: {},
  },
  handle(request, { session, userId }, { typing }) {
    const { sessionId: session_id } = session;
    return typing.tell(session, { user_id: userId, session_id, ...request });
  },
  frame: { type: 'typing', isDroppable: true },
});
