import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { AuthRequest } from '../../../../shared/protocol/socket-requests.ts';
import { defineOperation } from '../operation.ts';

export const authenticate = defineOperation({
  summary: 'Authenticates the socket, or renews its token',
  cost: 'other',
  by: 'socket',
  request: AuthRequest,
  answer: null,
  example: {
    request: { token: EXAMPLE.token, device_id: EXAMPLE.device },
    answer: null,
  },
  handle: (request, { session, id }, { authentication }) =>
    authentication.receive(session, { ...request, id }),
  frame: { type: 'auth', event: 'auth_ok', isRoutine: true },
});
