import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const archiveConversation = defineOperation({
  summary: 'Archives the conversation for the caller; a new message brings it back',
  cost: 'other',
  request: ConversationRequest,
  answer: null,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: null,
  },
  async handle({ conversation_id }, { userId, trace, deadlineAt }, { routers }) {
    const request = { user_id: userId, conversation_id };
    const route = { key: conversation_id, trace, deadlineAt };
    await routers.ask('conversations.archive', request, route);
  },
  rest: [{ method: 'DELETE', path: '/conversations/:conversation_id' }],
});
