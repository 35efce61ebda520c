import { ConversationsRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationsShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversations } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const listConversations = defineOperation({
  summary: "The caller's conversations, newest activity first",
  cost: 'read',
  request: ConversationsRequest,
  answer: ConversationsShape,
  async handle(query, { userId, trace }, parts) {
    const request = { user_id: userId, ...query };
    const { records, next_cursor } = await parts.store('conversations.list', request, { trace });
    return { conversations: await nameConversations(parts, records, userId), next_cursor };
  },
  frame: { type: 'conversations' },
  rest: [{ method: 'GET', path: '/conversations' }],
});
