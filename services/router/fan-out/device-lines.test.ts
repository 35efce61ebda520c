import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
await stage.startRouter();
const { edge, store } = stage;
const setup = await stage.busOf('setup');
const jsm = await setup.nc.jetstreamManager();
t.teardown(() => stage.close());

async function stored(): Promise<number> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => jsm.streams.info(`QUEUE_${shard}`));
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
});

t.test('a device that leaves an event to its queue gets it there', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const device = await deviceOf(bina);
  const conversation = store.open([alice, bina]);
  for (let n = 1; n <= 20; n += 1) {
    await send(edge, letter(conversation, alice));
    await until('it came', () => device.events.length === n);
    await until('the outbox is empty', () => store.outbox.size === 0);
  }
  t.same(
    device.events.map(({ seq }) => seq),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  t.equal(device.offered.length, 20);
});

t.test('the queue of a device that is away gets the event, and no other queue', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const phone = await deviceOf(bina);
  const tablet = await deviceOf(bina, 'tablet');
  phone.answer = '+';
  await tablet.close();
  const before = await stored();
  await send(edge, letter(store.open([alice, bina]), alice));
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.equal(await stored(), before + 1);
  t.same([phone.offered.length, phone.events.length], [1, 0]);
  await tablet.open();
  await until('the other has it', () => tablet.events.length === 1);
  t.equal(phone.events.length, 0);
});

t.test('a device found away is asked again once it opens a session anywhere', async (t) => {
  const other = await stage.startRouter('router-2');
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const phone = await deviceOf(bina);
  phone.answer = '+';
  await phone.close();
  // Its session opened just now, so for 2 s nobody counts it as away.
  const isOffered = async (): Promise<boolean> => {
    const offers: unknown[] = [];
    const hear = (offer: unknown): void => void offers.push(offer);
    const listening = edge.subscribe(subjects.device(bina, phone.deviceId), hear);
    await edge.nc.flush();
    await send(edge, letter(conversation, alice));
    await until('it is offered or queued', async () => {
      await edge.nc.flush();
      return offers.length > 0 || store.outbox.size === 0;
    });
    listening.unsubscribe();
    await edge.nc.flush();
    return offers.length > 0;
  };
  await until('it counts as away', async () => {
    await send(edge, letter(conversation, alice));
    await until('the outbox is empty', () => store.outbox.size === 0);
    return !(await isOffered());
  });
  await until('the outbox is empty', () => store.outbox.size === 0);
  const queued = store.sent(conversation).length;
  await phone.open({ router: 'router-2' });
  await until('its queue is empty', () => phone.events.length === queued);
  await send(edge, letter(conversation, alice));
  await until('it came', () => phone.offered.length + phone.events.length > queued);
  t.equal(phone.offered.length, 1);
  await other.close();
});

t.test('an offer soon after a publish tells which number the queue gave that', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const device = await deviceOf(bina);
  device.answer = '+';
  await send(edge, letter(conversation, alice));
  await until('it was offered', () => device.offered.length === 1);
  device.answer = '-';
  await send(edge, letter(conversation, alice));
  await until('its queue has it', () => device.events.length === 1);
  await until('the outbox is empty', () => store.outbox.size === 0);
  device.answer = '+';
  await send(edge, letter(conversation, alice));
  await until('it was offered', () => device.offered.length === 3);
  t.same(device.offeredAfter, [undefined, undefined, `${device.lastStreamSeq}`]);
});

t.test('what follows a late event goes to the queue until the queue has both', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const device = await deviceOf(bina);
  device.answer = '';
  await send(edge, letter(conversation, alice));
  await until('it was offered', () => device.offered.length === 1);
  await until('it came from the queue', async () => {
    device.answer = '+';
    await send(edge, letter(conversation, alice));
    return device.events.length > 0;
  });
  await until('the outbox is empty', () => store.outbox.size === 0);
  const all = store.sent(conversation).map(({ seq }) => seq);
  const came = [...device.offered.slice(1), ...device.events].map(({ seq }) => seq as number);
  t.same(new Set(came), new Set(all));
  const queued = device.events.map(({ seq }) => seq as number);
  t.same(
    queued,
    queued.toSorted((a, b) => a - b),
  );
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
