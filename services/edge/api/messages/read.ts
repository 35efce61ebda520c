import { KahaError } from '../../../../shared/errors.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { MessageRequest } from '../../../../shared/protocol/message-requests.ts';
import { ReadShape } from '../../../../shared/protocol/shapes.ts';
import { locateMessage } from '../../routers/locate-message.ts';
import { defineOperation } from '../operation.ts';

/**
 * Raises the read position for a client that knows the message but not its conversation. It is an
 * operation of its own beside `readConversation`, because it must locate the message first, and
 * tells a stranger MESSAGE_NOT_FOUND; both end in the one `read` of the routers.
 */
export const readMessage = defineOperation({
  summary: "Raises the caller's read position to this message",
  cost: 'other',
  request: MessageRequest,
  answer: ReadShape,
  example: {
    request: { message_id: EXAMPLE.message },
    answer: { last_read_seq: 7 },
  },
  async handle({ message_id }, caller, parts) {
    try {
      const { target, route } = await locateMessage(parts, caller, message_id);
      const { conversation_id, seq } = target.place;
      const input = { user_id: caller.userId, conversation_id, seq };
      return await parts.routers.ask('read', input, route);
    } catch (error) {
      // A user who was removed a moment ago learns no more than a stranger does.
      const isRemoved = error instanceof KahaError && error.code === 'NOT_A_PARTICIPANT';
      throw isRemoved ? new KahaError('MESSAGE_NOT_FOUND', 'No such message') : error;
    }
  },
  rest: [{ method: 'PUT', path: '/messages/:message_id/read' }],
});
