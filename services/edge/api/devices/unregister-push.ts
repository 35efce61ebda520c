import { DeviceRequest } from '../../../../shared/protocol/devices/device-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const unregisterPush = defineOperation({
  summary: 'Ends the pushes to a device of the caller',
  cost: 'other',
  request: DeviceRequest,
  answer: null,
  example: { request: { device_id: EXAMPLE.device }, answer: null },
  async handle({ device_id }, { userId, trace, deadlineAt }, { store }) {
    await store('push.unregister', { user_id: userId, device_id }, { trace, deadlineAt });
  },
  rest: [{ method: 'DELETE', path: '/devices/:device_id/push' }],
});
