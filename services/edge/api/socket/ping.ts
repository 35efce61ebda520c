import { PingRequest } from '../../../../shared/protocol/socket-requests.ts';
import { pongFrame } from '../../server/socket-frames.ts';
import { defineOperation } from '../operation.ts';

export const ping = defineOperation({
  summary: 'Shows that the client is alive',
  cost: 'free',
  by: 'session',
  request: PingRequest,
  answer: null,
  example: {
    request: {},
    answer: null,
  },
  handle: (_, { session, id }, { hub }) => hub.send(session, 'pong', pongFrame(id)),
  frame: { type: 'ping', event: 'pong', isRoutine: true },
});
