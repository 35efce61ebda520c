import t from 'tap';
import { AwayDevices } from './away-devices.ts';

t.test('a device is away from an offer without anybody on, for 60 s', async (t) => {
  const away = new AwayDevices();
  t.notOk(away.isAway('a', 0));
  away.notFound('a', 0);
  t.ok(away.isAway('a', 59_999));
  t.notOk(away.isAway('a', 60_000));
  away.notFound('b', 30_000);
  away.sweep(60_000);
  t.equal(away.size, 1);
  away.notFound('a', 61_000);
  away.sweep(90_000);
  t.equal(away.size, 1, 'the belief in b has ended');
  t.ok(away.isAway('a', 90_000));
});

t.test('a device that opens a session is there, though it does not listen yet', async (t) => {
  const away = new AwayDevices();
  away.notFound('a', 0);
  away.arrives('a', 1_000);
  t.notOk(away.isAway('a', 1_000));
  away.notFound('a', 2_999);
  t.notOk(away.isAway('a', 2_999));
  away.notFound('a', 3_000);
  t.ok(away.isAway('a', 3_000), 'it has had time to listen');
});

t.test('nobody counts as away for 10 s after a reconnect', async (t) => {
  const away = new AwayDevices();
  away.notFound('a', 0);
  away.reconnected(1_000);
  t.notOk(away.isAway('a', 1_000));
  away.notFound('a', 10_999);
  t.equal(away.size, 0);
  away.notFound('a', 11_000);
  t.ok(away.isAway('a', 11_000));
});

t.test('at most 262 144 devices are remembered, and others are asked each time', async (t) => {
  const away = new AwayDevices();
  for (let n = 0; n <= 262_144; n += 1) away.notFound(`${n}`, 0);
  t.equal(away.size, 262_144);
  t.notOk(away.isAway('262144', 1));
});
