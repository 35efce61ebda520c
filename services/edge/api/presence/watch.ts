import { EXAMPLE, examplePresence } from '../../../../shared/protocol/examples.ts';
import {
  PresenceRequest,
  PresenceShape,
  presenceProblem,
} from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';

export const watchPresence = defineOperation({
  summary: 'Tells which users and businesses are online, and from now on when that changes',
  cost: 'other',
  by: 'session',
  request: PresenceRequest,
  answer: PresenceShape,
  example: {
    request: { user_ids: [EXAMPLE.asha], business_ids: [EXAMPLE.business] },
    answer: examplePresence,
  },
  problem: presenceProblem,
  async handle({ user_ids = [], business_ids = [] }, { session, userId }, { presence }) {
    const watch = { users: user_ids, businesses: business_ids };
    return { presence: await presence.watch(session, userId, watch) };
  },
  frame: { type: 'presence_watch' },
});
