import { AddParticipantsRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const addParticipants = defineOperation({
  summary: 'Adds people to a group, with or without what was said before; for its admins',
  cost: 'other',
  request: AddParticipantsRequest,
  answer: ConversationShape,
  async handle(added, { userId, trace }, { routers }) {
    const request = { user_id: userId, ...added };
    return await routers.ask('conversations.add', request, { key: added.conversation_id, trace });
  },
  rest: [
    {
      method: 'POST',
      path: '/conversations/:conversation_id/participants',
      bodyName: 'ParticipantsInput',
    },
  ],
});
