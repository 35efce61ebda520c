import { PresenceRequest, PresenceShape } from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';

export const watchPresence = defineOperation({
  summary: 'Tells who is online, and from now on when that changes',
  cost: 'other',
  by: 'session',
  request: PresenceRequest,
  answer: PresenceShape,
  async handle({ user_ids }, { session, userId }, { presence }) {
    return { presence: await presence.watch(session, userId, user_ids) };
  },
  frame: { type: 'presence_watch' },
});
