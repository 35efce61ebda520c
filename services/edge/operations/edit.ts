import { EditFrame } from '../../../shared/protocol/client-frames.ts';
import type { Messages } from '../messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function editOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'edit',
    cost: 'send',
    schema: EditFrame,
    handle({ message_id, content }, { userId }) {
      return messages.edit({ user_id: userId, message_id }, content);
    },
  });
}
