import { EXAMPLE, exampleMessage } from '../../../../shared/protocol/examples.ts';
import { EditRequest } from '../../../../shared/protocol/message-requests.ts';
import { MessageShape } from '../../../../shared/protocol/shapes.ts';
import { nameMessage } from '../../names/system-names.ts';
import { locateMessage } from '../../routers/locate-message.ts';
import { defineOperation } from '../operation.ts';

export const editMessage = defineOperation({
  summary: "Gives one's own message another content",
  cost: 'send',
  request: EditRequest,
  answer: MessageShape,
  example: {
    request: { message_id: EXAMPLE.message, content: 'See you at nine' },
    answer: { ...exampleMessage, content: 'See you at nine', edited_at: EXAMPLE.later },
  },
  async handle({ message_id, content }, caller, parts) {
    const { target, route } = await locateMessage(parts, caller, message_id);
    const edited = await parts.routers.ask('messages.edit', { ...target, content }, route);
    return await nameMessage(parts, edited, caller);
  },
  frame: { type: 'edit' },
  rest: [{ method: 'PATCH', path: '/messages/:message_id', bodyName: 'MessageEdit' }],
});
