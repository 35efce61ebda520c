import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Device } from './known-queues.ts';
import { ResyncSignals } from './resync-signals.ts';

t.test('a device is told again, until it has a queue', async (t) => {
  const [deaf, back] = ['deaf', 'back'].map((deviceId) => ({ userId: newId<UserId>(), deviceId }));
  const told: Device[] = [];
  const signals = new ResyncSignals({
    publish: (device) => told.push(device),
    isKnown: (device) => device === back,
    repeatAfterMs: [10, 20],
  });
  signals.tell(deaf as Device);
  signals.tell(back as Device);
  t.same(told, [deaf, back]);
  while (told.length < 4) await delay(5);
  t.same(told, [deaf, back, deaf, deaf]);
  signals.tell(deaf as Device);
  signals.close();
  await delay(50);
  t.equal(told.length, 5);
});
