import { ConversationsRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleConversation } from '../../../../shared/protocol/examples.ts';
import { ConversationsShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversations } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const listConversations = defineOperation({
  summary: "Lists the caller's conversations, newest activity first",
  cost: 'read',
  request: ConversationsRequest,
  answer: ConversationsShape,
  example: {
    request: { limit: 50 },
    answer: { conversations: [exampleConversation], next_cursor: EXAMPLE.cursor },
  },
  async handle(query, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const request = { user_id: userId, ...query };
    const page = await parts.store('conversations.list', request, { trace, deadlineAt });
    const conversations = await nameConversations(parts, page.records, caller);
    return { conversations, next_cursor: page.next_cursor };
  },
  frame: { type: 'conversations' },
  rest: [{ method: 'GET', path: '/conversations' }],
});
