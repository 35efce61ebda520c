import { ConversationsRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationsShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const listConversations = defineOperation({
  summary: "The caller's conversations, newest activity first",
  cost: 'read',
  request: ConversationsRequest,
  answer: ConversationsShape,
  async handle(query, { userId, trace }, { routers }) {
    const request = { user_id: userId, ...query };
    return await routers.ask('conversations.list', request, { key: userId, trace });
  },
  frame: { type: 'conversations' },
  rest: [{ method: 'GET', path: '/conversations' }],
});
