import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { NewDeviceLimit } from './new-device-limit.ts';

const HOUR_MS = 3_600_000;

t.test('each user may have 20 new devices an hour', async (t) => {
  const limit = new NewDeviceLimit();
  const userId = newId<UserId>();
  for (let index = 0; index < 20; index += 1) {
    t.ok(limit.admit({ userId, deviceId: `d${index}` }, index));
  }
  t.notOk(limit.admit({ userId, deviceId: 'd20' }, 20));
  t.ok(limit.admit({ userId, deviceId: 'd3' }, 20), 'the same device again is not new');
  t.ok(limit.admit({ userId: newId<UserId>(), deviceId: 'd20' }, 20));
  t.notOk(limit.admit({ userId, deviceId: 'd20' }, HOUR_MS - 1));
  t.ok(limit.admit({ userId, deviceId: 'd20' }, HOUR_MS), 'the first device is an hour old');
});
