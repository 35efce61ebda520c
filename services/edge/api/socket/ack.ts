import { AckRequest } from '../../../../shared/protocol/socket-requests.ts';
import { defineOperation } from '../operation.ts';

export const acknowledge = defineOperation({
  summary: 'Tells that all events up to `q` are safe with the client',
  cost: 'free',
  by: 'session',
  request: AckRequest,
  answer: null,
  example: {
    request: { q: 7 },
    answer: null,
  },
  handle: ({ q }, { session }, { delivery }) => delivery.acknowledge(session, q),
  frame: { type: 'ack', answered: 'never', isRoutine: true },
});
