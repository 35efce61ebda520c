import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const getConversation = defineOperation({
  summary: 'One conversation as the caller sees it',
  cost: 'read',
  request: ConversationRequest,
  answer: ConversationShape,
  async handle({ conversation_id }, { userId, trace }, { routers }) {
    const place = { user_id: userId, conversation_id };
    return await routers.ask('conversations.get', place, { key: conversation_id, trace });
  },
  rest: [{ method: 'GET', path: '/conversations/:conversation_id' }],
});
