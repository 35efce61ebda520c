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
  problem: presenceProblem,
  handle: readPresence,
  rest: [{ method: 'POST', path: '/presence/query' }],
});
