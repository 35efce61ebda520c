import { RegisterPushRequest } from '../../../../shared/protocol/devices/device-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation, malformed } from '../operation.ts';
import { endpointProblem, registrationProblem } from './registration-problem.ts';

export const registerPush = defineOperation({
  summary:
    'Registers a device of the caller for pushes. A token is of one device: registered again, by ' +
    'whomever, it moves. A user has at most 20 such devices',
  cost: 'other',
  request: RegisterPushRequest,
  answer: null,
  example: {
    request: {
      device_id: EXAMPLE.device,
      registration: {
        provider: 'apns',
        token: 'a3'.repeat(32),
        topic: 'app.example',
        environment: 'production',
        quiet_hours: { time_zone: 'Asia/Kathmandu', from: '22:00', to: '07:00' },
      },
    },
    answer: null,
  },
  problem: ({ registration }) => registrationProblem(registration),
  async handle({ device_id, registration }, caller, { store, push }) {
    const { userId, issuedAt, trace, deadlineAt } = caller;
    if (registration.provider === 'webpush') {
      const problem = endpointProblem(registration.subscription.endpoint, push.endpoints);
      if (problem !== undefined) throw malformed([problem]);
    }
    const request = { user_id: userId, device_id, issued_at: issuedAt, registration };
    await store('push.register', request, { trace, deadlineAt });
  },
  rest: [{ method: 'PUT', path: '/devices/:device_id/push', wholeBody: 'registration' }],
});
