import { UpdateConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const updateConversation = defineOperation({
  summary: 'Changes title, description or picture of a group; for its admins',
  cost: 'other',
  request: UpdateConversationRequest,
  answer: ConversationShape,
  async handle({ conversation_id, changes }, { userId, trace }, { routers }) {
    const request = { user_id: userId, conversation_id, ...changes };
    return await routers.ask('conversations.update', request, { key: conversation_id, trace });
  },
  rest: [{ method: 'PATCH', path: '/conversations/:conversation_id', wholeBody: 'changes' }],
});
