import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { Msg } from '../../../shared/nats/bus.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import type { Device } from '../queues/known-queues.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { letter, SHARDS, StageDevice, send, setStage, silent } from '../stage/router-stage.ts';
import { AwayDevices } from './away-devices.ts';
import { DeviceLines } from './device-lines.ts';
import type { LineEvent } from './line-event.ts';

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

t.test('an offer tells no number of a queue that was there before this one', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const device = await deviceOf(bina);
  await send(edge, letter(conversation, alice));
  await until('its queue has it', () => device.events.length === 1);
  await until('the outbox is empty', () => store.outbox.size === 0);
  await device.open({ resync: true });
  device.answer = '+';
  await send(edge, letter(conversation, alice));
  await until('it was offered', () => device.offered.length === 2);
  t.same(device.offeredAfter, [undefined, undefined], 'the stream may have lost its end');
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

/** Sets up lines whose offers and publishes the test answers itself. */
function rig() {
  const offers: { headerLines: string | undefined; event: LineEvent }[] = [];
  const publishes: LineEvent[] = [];
  const voided: Device[] = [];
  const away = new AwayDevices();
  const lines = new DeviceLines({
    mux: {
      send: ({ headerLines }: { headerLines?: string }, event: LineEvent) =>
        void offers.push({ headerLines, event }),
    } as unknown as ReplyMux,
    publisher: { publish: (message) => void publishes.push(message as LineEvent) },
    away,
    voidQueue: async (device) => void voided.push(device),
    makeRoom: async () => undefined,
    metrics: createRouterMetrics(createMetrics('router', 'router-1')),
    logger: silent,
  });
  t.teardown(() => lines.close());
  const add = (userId: UserId, payload = new Uint8Array(1)) => {
    const heard: string[] = [];
    const device = { userId, deviceId: 'phone' };
    const outcome = {
      ...{ taken: () => void heard.push('taken'), declined: () => void heard.push('declined') },
      ...{ queued: () => void heard.push('queued'), missed: () => void heard.push('missed') },
    };
    lines.add({ device, eventId: newId<EventId>(), payload, mayOffer: true, outcome });
    return heard;
  };
  const answer = (text: string) => ({ data: Buffer.from(text) }) as unknown as Msg;
  return { lines, away, offers, publishes, voided, add, answer };
}

t.test('an event that three publishes do not bring to the queue is missed', async (t) => {
  const { lines, publishes, voided, offers, add } = rig();
  const bina = newId<UserId>();
  const heard = add(bina);
  offers[0]?.event.failed('late');
  const behind = add(bina);
  t.same([heard, behind], [['declined'], ['declined']]);
  const mine = (): LineEvent[] => publishes.filter((event) => event === offers[0]?.event);
  for (let tries = 1; tries <= 3; tries += 1) {
    await until('it is tried', () => mine().length === tries);
    mine()[0]?.notStored({ what: 'queue full', reason: 'full' });
  }
  t.same(heard, ['declined', 'missed']);
  t.equal(voided.length, 2);
  t.equal(lines.size, 1, 'the event behind it is on its way');
});

t.test('nobody there sends the older offers to the queue in their order', async (t) => {
  const { away, offers, publishes, add, answer } = rig();
  const bina = newId<UserId>();
  const heard = [add(bina), add(bina), add(bina)];
  const [first, second, third] = offers.map(({ event }) => event);
  third?.answered(answer('+'));
  second?.failed('nobody');
  t.same(publishes, [first, second]);
  t.ok(away.isAway(`${bina}_phone`, steadyMs()));
  first?.answered(answer('+'));
  for (const [seq, event] of publishes.entries()) event.stored(seq + 1);
  t.same(heard, [['declined', 'queued'], ['declined', 'queued'], ['taken']]);
  add(bina);
  t.equal(offers.length, 3, 'a device that is away is asked nothing');
  t.equal(publishes.length, 3);
});

t.test('conversations wait while 32 768 events are on their way', async (t) => {
  const { lines, publishes, offers, add, answer } = rig();
  const bina = newId<UserId>();
  for (let n = 0; n < 32_768; n += 1) add(bina);
  t.equal(lines.events, 32_768);
  let isThere = false;
  const room = lines.room()?.then(() => {
    isThere = true;
  });
  t.notOk(isThere);
  offers[0]?.event.answered(answer('+'));
  await room;
  t.ok(isThere);
  t.equal(lines.room(), undefined);
  t.same(publishes, []);
});

t.test(
  'payloads beyond 64 MiB are not offered, and lines without order are not kept',
  async (t) => {
    const { lines, offers, publishes, add, answer } = rig();
    const [ann, bina] = [newId<UserId>(), newId<UserId>()];
    add(ann, new Uint8Array(64 * 1024 ** 2));
    t.same(add(bina), ['declined']);
    publishes[0]?.stored(5);
    offers[0]?.event.answered(answer('+'));
    t.same([lines.size, lines.offered], [1, 0], 'the line of an acknowledged publish is kept');
    add(bina);
    t.equal(offers[1]?.headerLines, 'After: 5\r\n');
    offers[1]?.event.answered(answer('+'));
    lines.disconnected();
    add(bina);
    t.equal(offers[2]?.headerLines, undefined, 'the stream may have lost its tail');
    offers[2]?.event.answered(answer('+'));
    t.equal(lines.size, 0);
  },
);

t.test('at most 65 536 lines without an event are kept', async (t) => {
  const { lines, publishes, away, add } = rig();
  for (let n = 0; n <= 65_536; n += 1) {
    const userId = newId<UserId>();
    away.notFound(`${userId}_phone`, steadyMs());
    add(userId);
    publishes.pop()?.stored(n + 1);
  }
  t.equal(lines.size, 65_536);
});
