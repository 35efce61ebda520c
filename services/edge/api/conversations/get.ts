import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleConversation } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const getConversation = defineOperation({
  summary: 'Shows one conversation as the caller sees it',
  cost: 'read',
  request: ConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: exampleConversation,
  },
  async handle({ conversation_id }, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const place = { user_id: userId, conversation_id };
    const { record } = await parts.store('conversations.get', place, { trace, deadlineAt });
    return await nameConversation(parts, record, caller);
  },
  rest: [{ method: 'GET', path: '/conversations/:conversation_id' }],
});
