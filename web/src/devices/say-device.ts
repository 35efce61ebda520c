import type { Device } from '../../../clients/js/src/devices/index.ts';
import { relativeTime } from '../parts/times.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

/** Names a device by its id. Browsers have long ids that say nothing, so a part will do. */
export function nameOfDevice({ device_id: id }: Device, ownId: string | undefined): string {
  if (id === ownId) return 'This browser';
  return UUID.test(id) ? `Device ${id.slice(0, 8)}` : id;
}

/** Says when the device was there, and whether it gets pushes. */
export function sayDevice(device: Device, now = new Date()): string {
  const { is_connected: isConnected, last_seen_at: seenAt, push } = device;
  const seen = seenAt && `Last here: ${relativeTime(seenAt, now)}`;
  const there = isConnected ? 'Connected' : (seen ?? 'Never here');
  return push ? `${there} · gets notifications` : there;
}
