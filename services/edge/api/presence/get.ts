import { PresenceRequest, PresenceShape } from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';

export const getPresence = defineOperation({
  summary: 'Who of some users is online',
  cost: 'read',
  request: PresenceRequest,
  answer: PresenceShape,
  async handle({ user_ids }, { userId }, { presence }) {
    return { presence: await presence.read(userId, user_ids) };
  },
  rest: [{ method: 'GET', path: '/presence' }],
});
