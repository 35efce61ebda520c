import { EXAMPLE, examplePresence } from '../../../../shared/protocol/examples.ts';
import {
  PresenceRequest,
  PresenceShape,
  presenceProblem,
} from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';
import { readPresence } from './read-presence.ts';

export const queryPresence = defineOperation({
  summary: 'Tells which of many users and businesses are online',
  cost: 'read',
  request: PresenceRequest,
  answer: PresenceShape,
  example: {
    request: { user_ids: [EXAMPLE.asha], business_ids: [EXAMPLE.business] },
    answer: examplePresence,
  },
  problem: presenceProblem,
  handle: readPresence,
  rest: [{ method: 'POST', path: '/presence/query' }],
});
