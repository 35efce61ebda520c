import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const unmuteConversation = defineOperation({
  summary: "Takes the caller's mute back",
  cost: 'other',
  request: ConversationRequest,
  answer: null,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: null,
  },
  async handle({ conversation_id }, { userId, trace, deadlineAt }, { routers }) {
    const request = { user_id: userId, conversation_id };
    await routers.ask('conversations.unmute', request, { key: conversation_id, trace, deadlineAt });
  },
  rest: [{ method: 'DELETE', path: '/conversations/:conversation_id/mute' }],
});
