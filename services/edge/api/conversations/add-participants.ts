import { AddParticipantsRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleGroup } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const addParticipants = defineOperation({
  summary: 'Adds people to a group, with or without what was said before; for its admins',
  cost: 'other',
  request: AddParticipantsRequest,
  answer: ConversationShape,
  example: {
    request: {
      conversation_id: EXAMPLE.conversation,
      user_ids: [EXAMPLE.chandra],
      share_history: true,
    },
    answer: exampleGroup,
  },
  async handle(added, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const request = { user_id: userId, ...added };
    const route = { key: added.conversation_id, trace, deadlineAt };
    const record = await parts.routers.ask('conversations.add', request, route);
    return await nameConversation(parts, record, caller);
  },
  rest: [
    {
      method: 'POST',
      path: '/conversations/:conversation_id/participants',
      bodyName: 'ParticipantsInput',
    },
  ],
});
