import t from 'tap';
import { nameOfDevice, sayDevice } from './say-device.ts';

const NOW = new Date('2026-11-21T10:00:00.000Z');
const device = (more: object) => ({ device_id: 'phone-1', is_connected: false, ...more });

t.test('a device has a name that people can tell from others', async (t) => {
  const id = '3f0c8a52-7d8e-4b0f-9a1d-2c5b7e60f114';
  t.equal(nameOfDevice(device({ device_id: id }), id), 'This browser');
  t.equal(nameOfDevice(device({ device_id: id }), undefined), 'Device 3f0c8a52');
  t.equal(nameOfDevice(device({}), id), 'phone-1');
});

t.test('it is said when a device was there, and what it gets', async (t) => {
  const seen = { last_seen_at: '2026-11-21T09:55:00.000Z' };
  const push = { provider: 'webpush', content: 'sender', registered_at: '' } as const;
  t.equal(sayDevice(device({ is_connected: true, ...seen }), NOW), 'Connected');
  t.equal(sayDevice(device(seen), NOW), 'Last here: 5 min');
  t.equal(sayDevice(device({ push }), NOW), 'Never here · gets notifications');
});
