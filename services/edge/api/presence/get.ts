import type { BusinessId } from '../../../../shared/ids.ts';
import {
  PresenceQuery,
  PresenceQueryShape,
  presenceQueryProblem,
} from '../../../../shared/protocol/presence.ts';
import { readBusinesses } from '../../presence/business-presence.ts';
import { defineOperation } from '../operation.ts';

export const getPresence = defineOperation({
  summary: 'Who of some users is online, and which of some businesses',
  cost: 'read',
  request: PresenceQuery,
  answer: PresenceQueryShape,
  problem: presenceQueryProblem,
  async handle({ user_ids = [], business_ids = [] }, caller, { presence, store }) {
    const { userId, trace, deadlineAt } = caller;
    const ask = async (ids: BusinessId[]) => {
      const request = { business_ids: ids };
      return (await store('businesses.openings', request, { trace, deadlineAt })).businesses;
    };
    const [users, businesses] = await Promise.all([
      user_ids.length === 0 ? [] : presence.read(userId, user_ids),
      readBusinesses({ ask, presence }, business_ids),
    ]);
    return { presence: [...users, ...businesses] };
  },
  rest: [
    { method: 'GET', path: '/presence' },
    { method: 'POST', path: '/presence/query', summary: 'The same, for up to 200 ids' },
  ],
});
