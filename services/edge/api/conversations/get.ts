import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const getConversation = defineOperation({
  summary: 'One conversation as the caller sees it',
  cost: 'read',
  request: ConversationRequest,
  answer: ConversationShape,
  async handle({ conversation_id }, { userId, trace }, parts) {
    const place = { user_id: userId, conversation_id };
    const { record } = await parts.store('conversations.get', place, { trace });
    return await nameConversation(parts, record, userId);
  },
  rest: [{ method: 'GET', path: '/conversations/:conversation_id' }],
});
