import { EditFrame } from '../../../shared/protocol/client-frames.ts';
import { MessageShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function editOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'edit',
    summary: "Gives one's own message another content",
    cost: 'send',
    schema: EditFrame,
    answer: MessageShape,
    handle({ message_id, content }, { userId }) {
      return messages.edit({ user_id: userId, message_id }, content);
    },
  });
}
