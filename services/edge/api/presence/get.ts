import {
  PresenceQuery,
  PresenceQueryShape,
  presenceQueryProblem,
} from '../../../../shared/protocol/presence.ts';
import { businessPresence } from '../../presence/business-presence.ts';
import { defineOperation } from '../operation.ts';

export const getPresence = defineOperation({
  summary: 'Who of some users is online, and which of some businesses',
  cost: 'read',
  request: PresenceQuery,
  answer: PresenceQueryShape,
  problem: presenceQueryProblem,
  async handle({ user_ids = [], business_ids = [] }, caller, { presence, store }) {
    const { userId, trace, deadlineAt } = caller;
    const wanted = [...new Set(business_ids)];
    const [users, { businesses }] = await Promise.all([
      user_ids.length === 0 ? [] : presence.read(userId, user_ids),
      wanted.length === 0
        ? { businesses: [] }
        : store('businesses.openings', { business_ids: wanted }, { trace, deadlineAt }),
    ]);
    return { presence: [...users, ...businesses.map(businessPresence)] };
  },
  rest: [
    { method: 'GET', path: '/presence' },
    { method: 'POST', path: '/presence/query', summary: 'The same, for up to 200 ids' },
  ],
});
