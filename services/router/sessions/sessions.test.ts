import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { queueName, subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Msg } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { Epochs } from '../../../shared/process/epochs.ts';
import { ask, letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';
import { Sessions } from './sessions.ts';
import { UserTurns } from './user-turns.ts';

const stage = await setStage();
const router = await stage.startRouter();
const { edge, store } = stage;
const admin = await stage.busOf('setup');
t.teardown(() => stage.close());

function streamOf(userId: UserId): string {
  return `QUEUE_${Number.parseInt(userId.slice(0, 8), 16) % SHARDS}`;
}

async function queuesOf(userId: UserId): Promise<string[]> {
  const jsm = await admin.nc.jetstreamManager();
  const names: string[] = [];
  for await (const info of jsm.consumers.list(streamOf(userId))) names.push(info.name);
  return names.filter((name) => name.startsWith(userId)).map((name) => name.slice(37));
}

t.test('the router is ready once it has read the names of the queues', async (t) => {
  const response = await fetch(`http://127.0.0.1:${router.adminPort}/readyz`);
  t.equal(response.status, 200);
});

t.test('a device is new once and then resumed, with a higher epoch each time', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  const first = await device.open();
  t.match(first, { resumed: false });
  await device.close();
  const second = await device.open();
  t.match(second, { resumed: true });
  t.ok(Number('epoch' in second && second.epoch) > Number('epoch' in first && first.epoch));
  t.same(await queuesOf(device.userId), ['phone-1']);
});

t.test('a user who was erased gets no queue', async (t) => {
  const erased = newId<UserId>();
  const answering = await stage.busOf('store-2');
  const subject = subjects.store('users.is_erased');
  const server = answering.serve({ subject, concurrencyMax: 9 }, (body) => {
    return { is_erased: (body as { user_id: UserId }).user_id === erased };
  });
  await answering.nc.flush();
  t.same(await new StageDevice(edge, erased).open(), { is_erased: true });
  t.same(await queuesOf(erased), []);
  t.match(await new StageDevice(edge, newId<UserId>()).open(), { resumed: false });
  await server.drain();
});

t.test('another router knows a queue that was made just now', async (t) => {
  const second = await stage.startRouter('router-2');
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  await device.close();
  t.match(await device.open({ router: 'router-2' }), { resumed: true });
  await second.close();
});

t.test('a router that starts knows the queues that exist', async (t) => {
  const devices = Array.from({ length: 30 }, () => new StageDevice(edge, newId<UserId>()));
  for (const device of devices) await device.open();
  const third = await stage.startRouter('router-3');
  const opened = await Promise.all(devices.map((device) => device.open({ router: 'router-3' })));
  t.ok(opened.every((session) => 'resumed' in session && session.resumed));
  await third.close();
});

t.test('messages sent while a device was away come in its next session', async (t) => {
  const alice = newId<UserId>();
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  await device.close();
  const conversation = store.open([alice, device.userId]);
  for (let index = 0; index < 3; index += 1) await send(edge, letter(conversation, alice));
  await device.open();
  await until('all came', () => device.events.length === 3);
  t.same(
    device.events.map(({ seq }) => seq),
    [1, 2, 3],
  );
});

t.test('the edge that holds a device is first asked to give it up', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  const asked: string[] = [];
  const holder = await stage.busOf('edge-2');
  const subject = subjects.device(device.userId, device.deviceId);
  await device.close();
  const subscription = holder.subscribe(subject, (msg: Msg) => {
    asked.push(msg.string());
    subscription.unsubscribe();
    msg.respond('released');
  });
  await holder.nc.flush();
  t.match(await device.open(), { resumed: true });
  t.match(asked, [/^release \d+$/]);
});

t.test('an opening that comes late takes the device from no newer session', async (t) => {
  const second = await stage.startRouter('router-5');
  const device = new StageDevice(edge, newId<UserId>());
  const opened = await device.open();
  const began = 'epoch' in opened ? opened.epoch : 0;
  const [later, earlier] = [began + 2_000, began + 1_000];
  t.match(await device.open({ epoch: later }), { resumed: true, epoch: later });
  const late = { user_id: device.userId, device_id: device.deviceId, epoch: earlier };
  for (const why of [{}, { resync: true }, { is_void: true as const }]) {
    for (const name of ['router-1', 'router-5']) {
      const answer = await ask(edge, { op: 'session.open', ...late, ...why }, name);
      t.same(answer, { is_older: true }, `${name} ${Object.keys(why)}`);
    }
  }
  t.same(device.signals, [], 'its queue is where it was');
  t.match(await device.open({ epoch: later + 1 }), { resumed: true }, 'a newer one gets it');
  await device.close();
  t.match(await device.open({ epoch: earlier }), { resumed: true }, 'nobody holds it');
  await second.close();
});

t.test('an edge of the version before, which tells no epoch, gets a higher one', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  const ahead = Date.now() * 1_024 + 86_400_000 * 1_024;
  await device.open({ epoch: ahead });
  await device.close();
  const opened = await device.open();
  t.ok('epoch' in opened && opened.epoch > ahead);
});

t.test('an edge that does not give a device up delays its session by 1.5 s at most', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  const startedAt = Date.now();
  const watch = startStopwatch();
  t.match(await device.open(), { resumed: true });
  const tookMs = Date.now() - startedAt;
  t.ok(tookMs >= 1_490, `${tookMs} ms`);
  t.ok(watch.stop() < 1_800, `${tookMs} ms`);
});

t.test('a resync makes the queue anew and does not count as a new device', async (t) => {
  const alice = newId<UserId>();
  const device = new StageDevice(edge, newId<UserId>());
  for (let index = 0; index < 19; index += 1) {
    const other = new StageDevice(edge, device.userId, `d${index}`);
    await other.open();
    await other.close();
  }
  await device.open();
  await device.close();
  await send(edge, letter(store.open([alice, device.userId]), alice));
  for (let index = 0; index < 6; index += 1) {
    t.match(await device.open({ resync: true }), { resumed: false });
    await device.close();
  }
  t.equal(device.events.length, 0);
  await until('no signal for what was meant', () => device.signals.length === 0);
});

/** Counts what a device is asked that has a session on another edge. */
async function watchReleases(device: StageDevice) {
  const asked: string[] = [];
  const subject = subjects.device(device.userId, device.deviceId);
  const subscription = edge.subscribe(subject, (msg: Msg) => {
    asked.push(msg.string());
    msg.respond('released');
  });
  await edge.nc.flush();
  return { asked, end: () => subscription.unsubscribe() };
}

t.test(
  'the seventh resync of a device within a minute is refused and changes nothing',
  async (t) => {
    const device = new StageDevice(edge, newId<UserId>());
    const other = new StageDevice(edge, device.userId, 'tablet');
    for (const one of [device, other]) {
      await one.open();
      await one.close();
    }
    const reopen = () => device.open({ resync: true });
    for (let index = 0; index < 6; index += 1) {
      await reopen();
      await device.close();
    }
    const made = await queuesOf(device.userId);
    const { asked, end } = await watchReleases(device);
    await t.rejects(reopen(), { code: 'RATE_LIMITED' });
    t.same(asked, [], 'the session that has the device is not asked to go');
    t.same(await queuesOf(device.userId), made);
    end();
    t.match(await device.open(), { resumed: true }, 'it opens without a resync');
    await device.close();
    t.match(await other.open({ resync: true }), { resumed: false }, 'another device may');
  },
);

t.test('the 61st session of a user within a minute is refused, on every device', async (t) => {
  const phone = new StageDevice(edge, newId<UserId>());
  for (let index = 0; index < 60; index += 1) {
    await phone.open();
    await phone.close();
  }
  const { asked, end } = await watchReleases(phone);
  await t.rejects(phone.open(), { code: 'RATE_LIMITED' });
  await t.rejects(new StageDevice(edge, phone.userId, 'tablet').open(), { code: 'RATE_LIMITED' });
  t.same(asked, []);
  end();
  t.same(await queuesOf(phone.userId), ['phone-1']);
  t.match(await phone.open({ is_void: true }), { resumed: true }, 'a void queue is no wish of its');
  t.match(await new StageDevice(edge, newId<UserId>()).open(), { resumed: false });
  const metrics = await fetch(`http://127.0.0.1:${router.adminPort}/metrics`);
  t.match(await metrics.text(), /kaha_router_sessions_total\{outcome="too_often".*\} [1-9]/);
});

const DAY_MS = 86_400_000;

/** Opens ten devices of a user. Store says that each was there last on a day from now on. */
async function tenDevices(days: readonly number[]) {
  const userId = newId<UserId>();
  const devices = days.map((_, index) => new StageDevice(edge, userId, `d${index}`));
  for (const device of devices) await device.open();
  const seen = days.map((day, n) => {
    const lastSeenAt = new Date(Date.now() + day * DAY_MS).toISOString();
    return { device_id: `d${n}`, last_seen_at: lastSeenAt, created_at: lastSeenAt };
  });
  store.devices.seen.set(userId, seen);
  const closeAll = async (): Promise<void> => {
    for (const device of devices) await device.close();
  };
  return { userId, devices, closeAll };
}

t.test('the eleventh device takes the place of the device that was seen longest ago', async (t) => {
  const { userId, closeAll } = await tenDevices([9, 5, 3, 7, 2, 8, 4, 6, 10, 11]);
  await closeAll();
  t.match(await new StageDevice(edge, userId, 'd10').open(), { resumed: false });
  const queues = await queuesOf(userId);
  t.equal(queues.length, 10);
  t.notOk(queues.includes('d4'));
});

t.test(
  'the phone of every day stays, though its queue is the oldest and has no traffic',
  async (t) => {
    const { userId, closeAll } = await tenDevices([30, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await closeAll();
    t.match(await new StageDevice(edge, userId, 'd10').open(), { resumed: false });
    t.ok((await queuesOf(userId)).includes('d0'));
    t.match(await new StageDevice(edge, userId, 'd0').open(), { resumed: true });
  },
);

t.test('a connected device stays, whenever it was seen last', async (t) => {
  const { userId, devices } = await tenDevices([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const device of devices.slice(3)) await device.close();
  t.match(await new StageDevice(edge, userId, 'd10').open(), { resumed: false });
  t.notOk((await queuesOf(userId)).includes('d3'));
});

t.test('a router that has just started chooses the same device', async (t) => {
  const { userId, closeAll } = await tenDevices([9, 5, 3, 7, 2, 8, 4, 6, 10, 11]);
  await closeAll();
  const fresh = await stage.startRouter('router-4');
  const eleventh = new StageDevice(edge, userId, 'd10');
  t.match(await eleventh.open({ router: 'router-4' }), { resumed: false });
  t.notOk((await queuesOf(userId)).includes('d4'));
  await fresh.close();
});

t.test('while store is away an eleventh device is refused, and no queue goes', async (t) => {
  const { userId, closeAll } = await tenDevices([9, 5, 3, 7, 2, 8, 4, 6, 10, 11]);
  await closeAll();
  const eleventh = new StageDevice(edge, userId, 'd10');
  store.before = (op) => {
    if (op === 'devices.of') throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
  };
  t.teardown(() => {
    store.before = () => undefined;
  });
  await t.rejects(eleventh.open(), { code: 'DATABASE_UNAVAILABLE' });
  t.equal((await queuesOf(userId)).length, 10);
  t.match(await new StageDevice(edge, userId, 'd7').open(), { resumed: true }, 'others come in');
  const metrics = await fetch(`http://127.0.0.1:${router.adminPort}/metrics`);
  t.match(await metrics.text(), /kaha_router_evictions_put_off_total\{.*\} 1/);
  store.before = () => undefined;
  t.match(await eleventh.open(), { resumed: false }, 'it comes in once store is back');
});

t.test('store is asked for the eleventh device alone', async (t) => {
  const before = store.count('devices.of');
  const { userId, devices } = await tenDevices([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.match(await new StageDevice(edge, userId, 'd10').open(), { too_many_devices: true });
  await devices[0]?.close();
  t.match(await new StageDevice(edge, userId, 'd1').open(), { resumed: true });
  t.equal(store.count('devices.of'), before);
});

t.test('ten connected devices leave no place for another device', async (t) => {
  const userId = newId<UserId>();
  for (let index = 0; index < 10; index += 1) {
    await new StageDevice(edge, userId, `d${index}`).open();
  }
  t.same(await new StageDevice(edge, userId, 'd10').open(), { too_many_devices: true });
});

t.test('the 21st new device within an hour is refused', async (t) => {
  const userId = newId<UserId>();
  for (let index = 0; index < 20; index += 1) {
    const device = new StageDevice(edge, userId, `d${index}`);
    t.match(await device.open(), { resumed: false });
    await device.close();
  }
  t.same(await new StageDevice(edge, userId, 'd20').open(), { too_many_devices: true });
  t.match(await new StageDevice(edge, userId, 'd0').open(), { resumed: false });
});

t.test('if a device opens two sessions at once, the second one resumes the first', async (t) => {
  const userId = newId<UserId>();
  const sessions = await Promise.all([
    new StageDevice(edge, userId).open(),
    new StageDevice(edge, userId).open(),
  ]);
  t.same(sessions.map((session) => 'resumed' in session && session.resumed).sort(), [false, true]);
});

t.test('a session is told when somebody deletes its queue', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  const jsm = await admin.nc.jetstreamManager();
  await jsm.consumers.delete(streamOf(device.userId), queueName(device.userId, device.deviceId));
  await until('told', () => device.signals.length > 0);
  t.same(device.signals[0], { kind: 'resync', device_id: 'phone-1' });
  t.match(await device.open({ resync: true }), { resumed: false });
});

t.test('a router that has not heard of a void queue looks, and makes a new one', async (t) => {
  const device = new StageDevice(edge, newId<UserId>());
  const known = new Set(['a void queue', 'a queue']);
  const made: string[] = [];
  const openOf = (name: string, isThere: boolean) => {
    const sessions = new Sessions({
      known: { has: () => known.has(name) } as never,
      queues: {
        look: async () => void (isThere || known.delete(name)),
        isMarked: async () => true,
        makeRoom: async () => true,
        create: async () => void made.push(name),
      } as never,
      tellHeld: () => undefined,
      holders: { release: async () => true } as never,
      signOuts: { refuseOld: async () => undefined },
      turns: new UserTurns(),
      epochs: new Epochs(),
      isErased: async () => false,
      metrics: { sessions: { inc: () => undefined } } as never,
    });
    const request = { user_id: device.userId, device_id: 'phone', is_void: true as const };
    return sessions.open(request, steadyMs() + 1_000);
  };
  t.match(await openOf('a void queue', false), { resumed: false });
  t.match(await openOf('a queue', true), { resumed: true });
  t.same(made, ['a void queue']);
});
