import { DeviceRequest } from '../../../../shared/protocol/devices/device-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const signOutDevice = defineOperation({
  summary:
    'Signs a device of the caller out: closes its session 4503, takes its queue and its push ' +
    'registration away, and refuses tokens from before for it',
  cost: 'other',
  request: DeviceRequest,
  answer: null,
  example: { request: { device_id: EXAMPLE.device }, answer: null },
  async handle({ device_id }, { userId, trace, deadlineAt }, { routers }) {
    const request = { user_id: userId, device_id };
    await routers.ask('devices.sign_out', request, { key: userId, trace, deadlineAt });
  },
  rest: [{ method: 'DELETE', path: '/devices/:device_id' }],
});
