import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { ask, SHARDS, StageDevice, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
await stage.startRouter();
await stage.startRouter('router-2');
const { edge, store } = stage;
const admin = await stage.busOf('setup');
const jsm = await admin.nc.jetstreamManager();
t.teardown(() => stage.close());
t.afterEach(() => {
  store.before = () => undefined;
  store.after = () => undefined;
});

const REFUSED = { code: 'UNAUTHENTICATED' };
const newDevice = (userId = newId<UserId>()): StageDevice => new StageDevice(edge, userId);
const nameOf = ({ userId, deviceId }: StageDevice): string => queueName(userId, deviceId);

function signOut({ userId, deviceId }: StageDevice, router = 'router-1'): Promise<undefined> {
  const request = { op: 'devices.sign_out' as const, user_id: userId, device_id: deviceId };
  return ask(edge, request, router);
}

async function hasQueue(device: StageDevice): Promise<boolean> {
  const shard = Number.parseInt(device.userId.slice(0, 8), 16) % SHARDS;
  return jsm.consumers.info(`QUEUE_${shard}`, nameOf(device)).then(
    () => true,
    () => false,
  );
}

t.test('a sign-out ends the session, takes the queue away and tells all edges', async (t) => {
  const device = newDevice();
  await device.open();
  await signOut(device);
  t.match(device.signOuts, [/^sign-out \d+$/]);
  t.notOk(await hasQueue(device));
  await until('the edges are told', () => device.signals.length > 0);
  t.match(device.signals, [{ kind: 'signed_out', device_id: 'phone-1', epoch: Number }]);
  const [{ epoch }] = device.signals as [{ epoch: number }];
  t.equal(device.signOuts[0], `sign-out ${epoch}`);
  t.same(store.devices.signedOut.has(nameOf(device)), true);
});

t.test('a token from before opens no session any more, and a later one does', async (t) => {
  const device = newDevice();
  await device.open();
  await signOut(device);
  await device.close();
  const at = Date.parse(store.devices.signedOut.get(nameOf(device)) ?? '');
  for (const why of [{}, { resync: true }, { is_void: true as const }]) {
    for (const issued_at of [undefined, 0, at - 1, at]) {
      const issued = issued_at === undefined ? {} : { issued_at };
      await t.rejects(device.open({ ...why, ...issued, router: 'router-2' }), REFUSED);
    }
  }
  t.notOk(await hasQueue(device));
  t.match(await device.open({ issued_at: at + 1 }), { resumed: false });
  await device.close();
  t.match(await device.open({ issued_at: at - 1 }), { resumed: true }, 'it has a queue again');
});

t.test('a device with a queue opens sessions without a question to store', async (t) => {
  const device = newDevice();
  await device.open();
  await device.close();
  const asked = store.count('devices.signed_out');
  t.match(await device.open(), { resumed: true });
  await device.close();
  t.match(await device.open({ router: 'router-2' }), { resumed: true });
  t.equal(store.count('devices.signed_out'), asked);
});

t.test('a refused device takes no place from another one of its user', async (t) => {
  const userId = newId<UserId>();
  const gone = new StageDevice(edge, userId, 'gone');
  await gone.open();
  await signOut(gone);
  const others = Array.from({ length: 10 }, (_, n) => new StageDevice(edge, userId, `d${n}`));
  for (const device of others) {
    await device.open();
    await device.close();
  }
  await t.rejects(gone.open(), REFUSED);
  for (const device of others) t.ok(await hasQueue(device), device.deviceId);
});

t.test('a device that nobody knows is not there, nor is one of another user', async (t) => {
  const device = newDevice();
  await device.open();
  await t.rejects(signOut(newDevice()), { code: 'NOT_FOUND' });
  await t.rejects(signOut(new StageDevice(edge, device.userId, 'tablet')), { code: 'NOT_FOUND' });
  t.same(device.signOuts, []);
  t.ok(await hasQueue(device));
});

t.test('a sign-out between the looks of another router leaves no queue', async (t) => {
  // The sign-out comes after the first look at store, after the second one, or before both.
  for (const look of [1, 2, 0]) {
    const device = newDevice();
    store.devices.seen.set(device.userId, [
      { device_id: 'phone-1', last_seen_at: '', created_at: '' },
    ]);
    let looks = 0;
    store.after = async (op) => {
      if (op !== 'devices.signed_out') return;
      looks += 1;
      if (looks === look) await signOut(device);
    };
    if (look === 0) await signOut(device);
    const { userId: user_id, deviceId: device_id } = device;
    const opening = ask(edge, { op: 'session.open', user_id, device_id }, 'router-2');
    const opened = await opening.catch((error) => error.code);
    // A session that opened nevertheless is closed by the signal, which came later.
    if (look !== 2) t.equal(opened, 'UNAUTHENTICATED');
    await until('there is no queue', async () => !(await hasQueue(device)));
    await t.rejects(device.open(), REFUSED);
    store.after = () => undefined;
  }
});

t.test(
  'many sign-outs and openings at once end without a session and without a queue',
  async (t) => {
    const device = newDevice();
    await device.open();
    await device.close();
    const { userId: user_id, deviceId: device_id } = device;
    const all = Array.from({ length: 30 }, (_, n) => {
      const router = n % 2 === 0 ? 'router-1' : 'router-2';
      if (n % 3 === 0) return signOut(device, router);
      return ask(edge, { op: 'session.open', user_id, device_id }, router);
    });
    const settled = await Promise.allSettled(all);
    const codes = settled.map((one) => (one.status === 'rejected' ? one.reason.code : 'ok'));
    t.ok(
      codes.every((code) => ['ok', 'NOT_FOUND', 'UNAUTHENTICATED'].includes(code)),
      `${codes}`,
    );
    await until('there is no queue', async () => !(await hasQueue(device)));
  },
);

t.test('while store is away no new device opens, and no queue is left of it', async (t) => {
  const device = newDevice();
  for (const failing of [1, 2]) {
    let looks = 0;
    store.before = (op) => {
      if (op !== 'devices.signed_out') return;
      looks += 1;
      if (looks === failing) throw new KahaError('DATABASE_UNAVAILABLE', 'away');
    };
    await t.rejects(device.open(), { code: 'DATABASE_UNAVAILABLE' });
    t.notOk(await hasQueue(device));
  }
});

t.test('a sign-out that store does not take changes nothing, and is repeated', async (t) => {
  const device = newDevice();
  await device.open();
  store.before = (op) => {
    if (op === 'devices.sign_out') throw new KahaError('DATABASE_UNAVAILABLE', 'away');
  };
  await t.rejects(signOut(device), { code: 'DATABASE_UNAVAILABLE' });
  t.same([device.signOuts, device.signals, await hasQueue(device)], [[], [], true]);
  store.before = () => undefined;
  await signOut(device);
  t.notOk(await hasQueue(device));
});

t.test('a sign-out that ends in the middle is carried out when it is repeated', async (t) => {
  const device = newDevice();
  await device.open();
  store.after = (op) => {
    if (op === 'devices.sign_out') throw new KahaError('TIMEOUT', 'The router has died');
  };
  await t.rejects(signOut(device), { code: 'TIMEOUT' });
  t.ok(store.devices.signedOut.has(nameOf(device)), 'it was noted');
  t.same([device.signOuts, await hasQueue(device)], [[], true], 'nothing else was done');
  store.after = () => undefined;
  await signOut(device, 'router-2');
  t.match(device.signOuts, [/^sign-out \d+$/]);
  t.notOk(await hasQueue(device));
  await device.close();
  await t.rejects(device.open(), REFUSED);
  await t.rejects(signOut(device), { code: 'NOT_FOUND' }, 'nothing is left of it');
});

t.test('an edge says which devices of a user have a session', async (t) => {
  const userId = newId<UserId>();
  const [here, away] = ['here', 'away'].map((id) => new StageDevice(edge, userId, id));
  for (const device of [here, away] as StageDevice[]) await device.open();
  await away?.close();
  const request = { op: 'devices.connected' as const, user_id: userId };
  for (const router of ['router-1', 'router-2']) {
    const { devices } = await ask(edge, request, router);
    t.same(
      new Map(devices),
      new Map([
        ['here', true],
        ['away', false],
      ]),
      router,
    );
  }
  t.same(await ask(edge, { ...request, user_id: newId<UserId>() }), { devices: [] });
});
