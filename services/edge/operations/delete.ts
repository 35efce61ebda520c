import { DeleteFrame } from '../../../shared/protocol/client-frames.ts';
import type { Messages } from '../messages.ts';
import { defineOperation, type Operation } from './operation.ts';

export function deleteOperation(messages: Messages): Operation {
  return defineOperation({
    type: 'delete',
    cost: 'send',
    schema: DeleteFrame,
    handle({ message_id }, { userId }) {
      return messages.delete({ user_id: userId, message_id });
    },
  });
}
