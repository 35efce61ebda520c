import { RemoveParticipantRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

/** Removes a participant. A caller who names themselves leaves the group. */
export const removeParticipant = defineOperation({
  summary: 'Removes someone from a group; for its admins, or oneself to leave',
  cost: 'other',
  request: RemoveParticipantRequest,
  answer: null,
  example: {
    request: { conversation_id: EXAMPLE.conversation, user_id: EXAMPLE.chandra },
    answer: null,
  },
  async handle(
    { conversation_id, user_id: participant_id },
    { userId, trace, deadlineAt },
    { routers },
  ) {
    const request = { user_id: userId, conversation_id, participant_id };
    await routers.ask('conversations.remove', request, { key: conversation_id, trace, deadlineAt });
  },
  rest: [{ method: 'DELETE', path: '/conversations/:conversation_id/participants/:user_id' }],
});
