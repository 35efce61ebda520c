import { UpdateConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleGroup } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const updateConversation = defineOperation({
  summary: 'Changes title, description or picture of a group; for its admins',
  cost: 'other',
  request: UpdateConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, changes: { title: 'Friday' } },
    answer: exampleGroup,
  },
  async handle({ conversation_id, changes }, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const request = { user_id: userId, conversation_id, ...changes };
    const route = { key: conversation_id, trace, deadlineAt };
    const record = await parts.routers.ask('conversations.update', request, route);
    return await nameConversation(parts, record, caller);
  },
  rest: [{ method: 'PATCH', path: '/conversations/:conversation_id', wholeBody: 'changes' }],
});
