import { DeleteFrame } from '../../../shared/protocol/client-frames.ts';
import { MessageShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function deleteOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'delete',
    summary: 'Deletes a message; for its sender or an admin of the group',
    cost: 'send',
    schema: DeleteFrame,
    answer: MessageShape,
    handle({ message_id }, { userId }) {
      return messages.delete({ user_id: userId, message_id });
    },
  });
}
