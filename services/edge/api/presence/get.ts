import {
  PresenceShape,
  PresenceUrlRequest,
  presenceUrlProblem,
} from '../../../../shared/protocol/presence.ts';
import { defineOperation } from '../operation.ts';
import { readPresence } from './read-presence.ts';

export const getPresence = defineOperation({
  summary: 'Who of some users is online, and which of some businesses',
  cost: 'read',
  request: PresenceUrlRequest,
  answer: PresenceShape,
  problem: presenceUrlProblem,
  handle: readPresence,
  rest: [{ method: 'GET', path: '/presence' }],
});
