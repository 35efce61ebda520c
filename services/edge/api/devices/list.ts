import type { ListedDevice } from '../../../../shared/contracts/store-ops.ts';
import { OwnRequest } from '../../../../shared/protocol/devices/device-requests.ts';
import {
  type DeviceShape,
  DevicesShape,
} from '../../../../shared/protocol/devices/device-shapes.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const listDevices = defineOperation({
  summary: "Lists the caller's devices, the connected ones first, then the one that was there last",
  cost: 'read',
  request: OwnRequest,
  answer: DevicesShape,
  example: {
    request: {},
    answer: {
      devices: [
        {
          ...{ device_id: EXAMPLE.device, is_connected: true },
          ...{ last_seen_at: EXAMPLE.later, created_at: EXAMPLE.at },
          push: { provider: 'apns', content: 'sender', registered_at: EXAMPLE.at },
        },
      ],
    },
  },
  async handle(_request, { userId, trace, deadlineAt }, { routers, store }) {
    const request = { user_id: userId };
    const [{ devices: listed }, { devices: connected }] = await Promise.all([
      store('devices.list', request, { trace, deadlineAt }),
      routers.ask('devices.connected', request, { key: userId, trace, deadlineAt }),
    ]);
    return { devices: merged(listed, connected) };
  },
  rest: [{ method: 'GET', path: '/devices' }],
});

/** Store hears of a device some minutes after its first session began. */
function merged(
  listed: readonly ListedDevice[],
  connected: readonly [string, boolean][],
): DeviceShape[] {
  const isConnected = new Map(connected);
  const known = new Set(listed.map(({ device_id }) => device_id));
  const unheardOf = [...isConnected.keys()].filter((device_id) => !known.has(device_id));
  const all: ListedDevice[] = [...unheardOf.map((device_id) => ({ device_id })), ...listed];
  return all
    .map((device) => ({ ...device, is_connected: isConnected.get(device.device_id) === true }))
    .sort((a, b) => Number(b.is_connected) - Number(a.is_connected));
}
