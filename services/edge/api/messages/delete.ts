import { EXAMPLE, exampleTombstone } from '../../../../shared/protocol/examples.ts';
import { MessageRequest } from '../../../../shared/protocol/message-requests.ts';
import { MessageShape } from '../../../../shared/protocol/shapes.ts';
import { nameMessage } from '../../names/system-names.ts';
import { locateMessage } from '../../routers/locate-message.ts';
import { defineOperation } from '../operation.ts';

/** Deletes a message. The answer is its tombstone. */
export const deleteMessage = defineOperation({
  summary: 'Deletes a message; for its sender or an admin of the group',
  cost: 'send',
  request: MessageRequest,
  answer: MessageShape,
  example: {
    request: { message_id: EXAMPLE.message },
    answer: exampleTombstone,
  },
  async handle({ message_id }, caller, parts) {
    const { target, route } = await locateMessage(parts, caller, message_id);
    const tombstone = await parts.routers.ask('messages.delete', target, route);
    return await nameMessage(parts, tombstone, caller);
  },
  frame: { type: 'delete' },
  rest: [{ method: 'DELETE', path: '/messages/:message_id' }],
});
