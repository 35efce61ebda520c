import { KahaError } from '../../../../shared/errors.ts';
import { MuteRequest, readMuteUntil } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const muteConversation = defineOperation({
  summary: 'Mutes the conversation for the caller, for ever or until a time',
  cost: 'other',
  request: MuteRequest,
  answer: null,
  example: {
    request: { conversation_id: EXAMPLE.conversation, until: '2030-01-01T00:00:00.000Z' },
    answer: null,
  },
  async handle({ conversation_id, until }, { userId, trace, deadlineAt }, { routers }) {
    const read = until === undefined ? {} : readMuteUntil(until, Date.now());
    if (typeof read === 'string') throw new KahaError('INVALID_REQUEST', read);
    const request = { user_id: userId, conversation_id, ...read };
    await routers.ask('conversations.mute', request, { key: conversation_id, trace, deadlineAt });
  },
  rest: [{ method: 'PUT', path: '/conversations/:conversation_id/mute', bodyName: 'Mute' }],
});
