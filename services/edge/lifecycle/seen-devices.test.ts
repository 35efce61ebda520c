import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { Hub } from '../session/hub.ts';
import { Session } from '../session/session.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { SeenDevices } from './seen-devices.ts';

const stage = await setStage();
const router = await stage.startRouter();
const told: DeviceSeen[] = [];
const store = await stage.busOf('store-1');
store.serve({ subject: subjects.store('devices.seen'), concurrencyMax: 8 }, (body) => {
  told.push(...(body as { items: DeviceSeen[] }).items);
});
await store.nc.flush();
const edge = await stage.startEdge();
t.teardown(() => stage.close());

const toldOf = (userId: UserId): DeviceSeen[] => told.filter(([id]) => id === userId);

t.test('store is told of a device and its token when its session ends', async (t) => {
  const userId = newId<UserId>();
  const iat = Math.floor(Date.now() / 1_000) - 60;
  const headers = { authorization: `Bearer ${await tokenOf(userId, { iat })}` };
  const client = await stage.connect(edge, { headers: { ...headers, 'x-device-id': 'phone' } });
  await client.next('auth_ok');
  t.same(toldOf(userId), []);
  await client.close();
  await until('store is told', () => toldOf(userId).length > 0);
  t.match(toldOf(userId), [[userId, 'phone', Number, iat * 1_000]]);
});

t.test('nobody is told of a session that never had its device', async (t) => {
  const { script } = router;
  const ordinary = script['session.open'];
  script['session.open'] = () => ({ too_many_devices: true });
  const refused = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(refused)}` };
  t.equal(await (await stage.connect(edge, { headers })).closed, 4504);
  script['session.open'] = ordinary as never;
  const other = newId<UserId>();
  await (await stage.open(edge, other)).close();
  await until('store is told of the other', () => toldOf(other).length > 0);
  t.same(toldOf(refused), []);
});

t.test('nobody is told of a device that was signed out, however late', async (t) => {
  const userId = newId<UserId>();
  const clients = [
    await stage.open(edge, userId, 'phone'),
    await stage.open(edge, userId, 'other'),
  ];
  const signal = { kind: 'signed_out', device_id: 'phone', epoch: 1e15 };
  router.bus.publish(subjects.user(userId), JSON.stringify(signal));
  t.equal(await clients[0]?.closed, 4503);
  await clients[1]?.close();
  await until('store is told of the other', () => toldOf(userId).length > 0);
  t.match(toldOf(userId), [[userId, 'other', Number, Number]]);
  t.equal(toldOf(userId).length, 1);
});

t.test('an edge that drains tells of all its devices before it ends', async (t) => {
  const second = await stage.startEdge('edge-2');
  const users = Array.from({ length: 20 }, () => newId<UserId>());
  const clients = await Promise.all(users.map((userId) => stage.open(second, userId)));
  await second.close();
  t.ok(users.every((userId) => toldOf(userId).length === 1));
  await Promise.all(clients.map(({ closed }) => closed));
});

/** Has sessions of a hub, and lists whom `sweep` tells of. */
function sweepWith(count: number) {
  const hub = new Hub(createEdgeMetrics(createMetrics('test', 'edge-1')));
  const swept: string[] = [];
  const reports = { tell: (seen: { deviceId: string }) => void swept.push(seen.deviceId) };
  const seen = new SeenDevices({ hub, reports: reports as never });
  const startMs = performance.now();
  for (let n = 0; n < count; n += 1) {
    const session = new Session(0);
    session.userId = newId<UserId>();
    session.deviceId = `d${n}`;
    hub.sessions.add(session);
    seen.opened(session);
  }
  return { hub, seen, swept, startMs };
}

const MINUTE_MS = 60_000;

t.test('sessions that began at once are told of over 5 minutes, and then each hour', async (t) => {
  const { hub, seen, swept, startMs } = sweepWith(1_000);
  hub.sessions.add(new Session(0));
  for (let minute = 1; minute <= 5; minute += 1) {
    const before = swept.length;
    seen.sweep(startMs + minute * MINUTE_MS + 1_000);
    const count = swept.length - before;
    t.ok(count > 100 && count < 300, `${count} in minute ${minute}`);
  }
  t.equal(new Set(swept).size, 1_000, 'each one once, and none that is not open');
  seen.sweep(startMs + 54 * MINUTE_MS);
  t.equal(swept.length, 1_000);
  for (let minute = 54; minute <= 66; minute += 1) seen.sweep(startMs + minute * MINUTE_MS);
  t.equal(swept.length, 2_000, 'an hour later each one once more');
  seen.close();
});
