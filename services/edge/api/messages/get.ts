import { EXAMPLE, exampleMessage } from '../../../../shared/protocol/examples.ts';
import { MessageRequest } from '../../../../shared/protocol/message-requests.ts';
import { MessageShape } from '../../../../shared/protocol/shapes.ts';
import { nameMessage } from '../../names/system-names.ts';
import { defineOperation } from '../operation.ts';

export const getMessage = defineOperation({
  summary: 'Shows one message',
  cost: 'read',
  request: MessageRequest,
  answer: MessageShape,
  example: {
    request: { message_id: EXAMPLE.message },
    answer: exampleMessage,
  },
  async handle({ message_id }, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const named = { user_id: userId, message_id };
    const message = await parts.store('messages.get', named, { trace, deadlineAt });
    return await nameMessage(parts, message, caller);
  },
  rest: [{ method: 'GET', path: '/messages/:message_id' }],
});
