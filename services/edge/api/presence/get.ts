import { EXAMPLE, examplePresence } from '../../../../shared/protocol/examples.ts';
import {
  PresenceShape,
  PresenceUrlRequest,
  presenceUrlProblem,
} from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';
import { readPresence } from './read-presence.ts';

export const getPresence = defineOperation({
  summary: 'Tells which of some users and businesses are online',
  cost: 'read',
  request: PresenceUrlRequest,
  answer: PresenceShape,
  example: {
    request: { user_ids: [EXAMPLE.asha], business_ids: [EXAMPLE.business] },
    answer: examplePresence,
  },
  problem: presenceUrlProblem,
  handle: readPresence,
  rest: [{ method: 'GET', path: '/presence' }],
});
