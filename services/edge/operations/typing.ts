import { TypingFrame } from '../../../shared/protocol/client-frames.ts';
import { EmptyShape } from '../../../shared/protocol/shapes.ts';
import type { Typing } from '../presence/typing.ts';
import { defineOperation, type Operation } from './operation.ts';

export function typingOperation(typing: Typing): Operation {
  return defineOperation({
    type: 'typing',
    summary: 'Tells the others that the caller is typing, or has stopped',
    cost: 'other',
    isDroppable: true,
    schema: TypingFrame,
    answer: EmptyShape,
    handle({ conversation_id, is_typing }, { session, userId }) {
      const { sessionId: session_id } = session;
      const input = { user_id: userId, conversation_id, session_id, is_typing };
      return typing.tell(session, input);
    },
  });
}
