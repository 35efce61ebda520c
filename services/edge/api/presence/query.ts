import {
  PresenceRequest,
  PresenceShape,
  presenceProblem,
} from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';
import { readPresence } from './read-presence.ts';

export const queryPresence = defineOperation({
  summary: 'The same, for up to 200 ids',
  cost: 'read',
  request: PresenceRequest,
  answer: PresenceShape,
  problem: presenceProblem,
  handle: readPresence,
  rest: [{ method: 'POST', path: '/presence/query' }],
});
