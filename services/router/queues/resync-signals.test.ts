import { mock } from 'node:test';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Device } from './known-queues.ts';
import { ResyncSignals } from './resync-signals.ts';

t.test('a device is told again after 3 and 10 s, until it has a queue', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const [deaf, back] = ['deaf', 'back'].map((deviceId) => ({ userId: newId<UserId>(), deviceId }));
  const told: Device[] = [];
  const signals = new ResyncSignals({
    publish: (device) => told.push(device),
    isKnown: (device) => device === back,
  });
  signals.tell(deaf as Device);
  signals.tell(back as Device);
  mock.timers.tick(2_999);
  t.same(told, [deaf, back]);
  mock.timers.tick(1);
  t.same(told, [deaf, back, deaf]);
  mock.timers.tick(7_000);
  t.same(told, [deaf, back, deaf, deaf]);
  signals.tell(deaf as Device);
  signals.close();
  mock.timers.tick(10_000);
  t.equal(told.length, 5, 'no device is told after the end');
});
