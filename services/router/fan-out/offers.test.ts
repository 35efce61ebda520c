import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
await stage.startRouter();
const { edge, store } = stage;
const setup = await stage.busOf('setup');
const jsm = await setup.nc.jetstreamManager();
t.teardown(() => stage.close());

/**
 * If the queue has an event within 50 ms of a refusal, the device need not be told. The test
 * measures a longer way, and does not see when the router learns that the queue has the event.
 */
const SOON_MS = 40;

async function stored(): Promise<number> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => jsm.streams.info(`INBOX_${shard}`));
  return (await Promise.all(shards)).reduce((sum, { state }) => sum + state.last_seq, 0);
}

async function deviceOf(userId: UserId, deviceId?: string): Promise<StageDevice> {
  const device = new StageDevice(edge, userId, deviceId);
  await device.open();
  return device;
}

t.test('an event that all devices take enters no queue and is struck off', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const devices = [await deviceOf(alice), await deviceOf(bina), await deviceOf(bina, 'tablet')];
  for (const device of devices) device.answer = '+';
  const before = await stored();
  await send(edge, letter(store.open([alice, bina]), alice));
  await until('each was offered it', () => devices.every(({ offered }) => offered.length === 1));
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.equal(await stored(), before);
  t.ok(devices.every(({ queuedSignals }) => queuedSignals === 0));
});

t.test('a device that leaves an event to its queue gets it there', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const device = await deviceOf(bina);
  const conversation = store.open([alice, bina]);
  let slow = 0;
  for (let n = 1; n <= 20; n += 1) {
    const startedAt = Date.now();
    await send(edge, letter(conversation, alice));
    await until('it came', () => device.events.length === n);
    if ((device.eventTimesMs[n - 1] as number) - startedAt > SOON_MS) slow += 1;
  }
  const seqs = Array.from({ length: 20 }, (_, index) => index + 1);
  t.same(
    device.events.map(({ seq }) => seq),
    seqs,
  );
  t.equal(device.offered.length, 20);
  await until('the outbox is empty', () => store.outbox.size === 0);
  // On a busy machine a queue may get an event late, and then the device is told of its queue.
  t.ok(device.queuedSignals <= slow, `${device.queuedSignals} signals, ${slow} late events`);
});

t.test('while one device is away, all queues get the event, and the others are told', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const phone = await deviceOf(bina);
  const tablet = await deviceOf(bina, 'tablet');
  phone.answer = '+';
  await tablet.close();
  await send(edge, letter(store.open([alice, bina]), alice));
  await until('it was told', () => phone.queuedSignals > 0);
  await until('its queue has it', () => phone.events.length === 1);
  t.equal(phone.offered.length, 1);
  await tablet.open();
  await until('the other has it', () => tablet.events.length === 1);
});

t.test('an edge that does not answer loses no event', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const device = await deviceOf(bina);
  device.answer = '';
  const watch = startStopwatch();
  await send(edge, letter(store.open([alice, bina]), alice));
  t.ok(watch.stop() < 1_000, 'the sender does not wait 2 s for the edge');
  t.equal(device.events.length, 0, 'the offer is still open');
  await until('its queue has it', () => device.events.length === 1);
  await until('it was told', () => device.queuedSignals > 0);
  await until('the outbox is empty', () => store.outbox.size === 0);
});

t.test('an event that a dead edge was offered comes before later events', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const device = await deviceOf(bina);
  device.answer = '';
  await send(edge, letter(conversation, alice));
  await until('it was offered', () => device.offered.length === 1);
  await device.close();
  for (let n = 0; n < 3; n += 1) await send(edge, letter(conversation, alice));
  await until('the outbox is empty', () => store.outbox.size === 0);
  device.answer = '-';
  await device.open();
  await until('all came', () => device.events.length === 4);
  t.same(
    device.events.map(({ seq }) => seq),
    [1, 2, 3, 4],
  );
});

t.test('a router knows a queue of another router before the queue can miss an event', async () => {
  const other = await stage.startRouter('router-2');
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const phone = await deviceOf(bina);
  phone.answer = '+';
  for (let n = 1; n <= 15; n += 1) {
    const device = new StageDevice(edge, bina, `d${n % 9}`);
    await device.open({ router: 'router-2', resync: true });
    await send(edge, letter(conversation, alice));
    await until('it came', () => device.events.length === 1);
    await device.close();
  }
  await other.close();
});
