import t, { type Test } from 'tap';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import type { EventsPage, EventsRange, FeedBatch, FeedEvent } from '../contracts/feed.ts';
import { streams, subjects } from '../contracts/subjects.ts';
import { KahaError } from '../errors.ts';
import { newId } from '../ids.ts';
import { type Bus, connectBus } from '../nats/bus.ts';
import { connectNats } from '../nats/nats-connection.ts';
import { createLogger } from '../process/logger.ts';
import { createMetrics } from '../process/metrics.ts';
import { startFeedReader } from './feed-reader.ts';
import type { TakenOn } from './handle-events.ts';
import { feedBatch, feedEvent } from './stage/feed-batches.ts';
import { makeBookmarks, makeEvents } from './stage/feed-streams.ts';

const CONSUMER = 'one';
const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const nats = await startNats();
const setup = await connectNats({
  ...{ url: nats.url, natsUser: 'setup', instance: 'setup' },
  nkeySeed: nats.seeds.setup as string,
});
const jsm = await setup.jetstreamManager();
const router = await busOf('router-1', 'router');

t.teardown(async () => {
  await router.close();
  await setup.close();
  await nats.stop();
});

t.beforeEach(async () => {
  await makeEvents(jsm, CONSUMER);
  await makeBookmarks(jsm);
});

t.afterEach(async () => {
  for (const name of [streams.events, streams.bookmarks]) await jsm.streams.delete(name);
});

function busOf(instance: string, natsUser: string): Promise<Bus> {
  const nkeySeed = nats.seeds[natsUser] as string;
  const metrics = createMetrics('test', instance);
  return connectBus({ url: nats.url, nkeySeed, instance, logger, metrics });
}

/** Resolves with what was taken on, or with nothing. */
type Handle = (event: FeedEvent) => Promise<unknown>;
type Scripted = { asked: EventsRange[]; answer: (range: EventsRange) => Promise<EventsPage> };

/** Starts a reader whose handler notes each event. Each has its own connection, as a process. */
async function read(t: Test, handle: Handle = async () => {}, takesOn?: true) {
  const bus = await busOf('feed-one', 'feed-one');
  const ids: string[] = [];
  const store: Scripted = { asked: [], answer: async () => ({ events: [], next_cursor: null }) };
  const metrics = createMetrics('test', newId<string>());
  const reader = startFeedReader(
    { bus, logger, metrics },
    {
      ...{ consumer: CONSUMER, concurrencyMax: 4, ...(takesOn && { takesOn }) },
      async handle(event) {
        const taken = await handle(event);
        ids.push(event.event_id);
        return taken as TakenOn | undefined;
      },
      askEvents(range) {
        store.asked.push(range);
        return store.answer(range);
      },
    },
  );
  const close = async (): Promise<void> => {
    await reader.close();
    await bus.close();
  };
  t.teardown(close);
  return { ids, store, close };
}

/** Publishes a batch and returns its events. */
async function publish(batch: FeedBatch): Promise<FeedEvent[]> {
  await publishText(JSON.stringify(batch));
  return batch.events;
}

async function publishText(text: string): Promise<void> {
  const options = { msgId: newId<string>(), timeoutMs: 5_000 };
  await router.jetPublish(subjects.events('router-1'), Buffer.from(text), options);
}

/** Publishes more than EVENTS can hold. */
async function overflow(): Promise<FeedEvent[]> {
  const batches = Array.from({ length: 20 }, () =>
    feedBatch(Array.from({ length: 200 }, () => feedEvent())),
  );
  for (const batch of batches) await publish(batch);
  return batches.flatMap(({ events }) => events);
}

const idsOf = (events: readonly FeedEvent[]): string[] => events.map(({ event_id }) => event_id);
const has = (ids: readonly string[], events: readonly FeedEvent[]): boolean =>
  idsOf(events).every((id) => ids.includes(id));
const consumerInfo = () => jsm.consumers.info(streams.events, CONSUMER);
const bookmarkSeq = async (): Promise<number> => {
  const kept = await jsm.streams.getMessage(streams.bookmarks, {
    last_by_subj: subjects.bookmarks(CONSUMER),
  });
  return kept.json<{ seq: number }>().seq;
};

function makeBlock(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((end) => {
    resolve = end;
  });
  return { promise, resolve };
}

/** Restarts NATS, and waits until those who outlive it are connected again. */
async function restartNats(): Promise<void> {
  const back = new Promise<void>((resolve) => router.onReconnect(resolve));
  await nats.kill();
  await nats.restart();
  await back;
  await until('the set-up user', () =>
    setup.flush().then(
      () => true,
      () => false,
    ),
  );
}

/** Lets a reader begin, so that it writes a bookmark, and ends it. */
async function readOnce(t: Test, owedFrom = new Date()): Promise<void> {
  const reader = await read(t);
  const events = await publish(feedBatch([feedEvent()], owedFrom));
  await until('the first batch', () => has(reader.ids, events));
  await reader.close();
}

t.test(
  'a batch is acknowledged once its handlers have resolved, and the next follows',
  async (t) => {
    await readOnce(t);
    const [slow, quick] = [feedEvent(), feedEvent()];
    const blocked = makeBlock();
    const reader = await read(t, (event) =>
      event.event_id === slow.event_id ? blocked.promise : Promise.resolve(),
    );
    await publish(feedBatch([slow, quick]));
    const next = await publish(feedBatch([feedEvent()]));
    await until('the quick event', () => has(reader.ids, [quick]));
    t.equal((await consumerInfo()).ack_floor.stream_seq, 1);
    t.same(reader.ids, [quick.event_id], 'the next batch waits');
    blocked.resolve();
    await until('the next batch', () => has(reader.ids, next));
    await reader.close();
    t.equal((await consumerInfo()).ack_floor.stream_seq, 3);
    t.equal(await bookmarkSeq(), 3);
    t.same(reader.store.asked, []);
  },
);

t.test('a reader that ends leaves what it has not handled to the next one', async (t) => {
  await readOnce(t);
  const first = await read(t, () => Promise.reject(new KahaError('TIMEOUT', 'late')));
  const events = [...(await publish(feedBatch([feedEvent()])))];
  events.push(...(await publish(feedBatch([feedEvent()]))));
  await until('the delivery', async () => (await consumerInfo()).num_ack_pending > 0);
  await first.close();
  const second = await read(t);
  await until('the rest', () => has(second.ids, events));
  await second.close();
  t.same(second.ids, idsOf(events), 'in their order');
  t.same(second.store.asked, []);
});

t.test('a reader that EVENTS overtakes catches up from store before it goes on', async (t) => {
  const blocked = makeBlock();
  const owedFrom = new Date();
  await readOnce(t, owedFrom);
  const held = feedEvent();
  let isHeld = false;
  const reader = await read(t, async (event) => {
    isHeld = event.event_id === held.event_id;
    if (isHeld) await blocked.promise;
  });
  const past = [feedEvent(), feedEvent(), feedEvent()];
  let failures = 0;
  reader.store.answer = async ({ cursor }) => {
    failures += 1;
    if (failures === 1) throw new KahaError('DATABASE_UNAVAILABLE', 'away');
    if (cursor === undefined) return { events: past.slice(0, 2), next_cursor: 'second' };
    return { events: past.slice(2), next_cursor: null };
  };
  // This batch is of a router that has just started and does not know what is owed.
  await publish(feedBatch([held], new Date(0)));
  await until('the held event', () => isHeld);
  await overflow();
  const last = await publish(feedBatch([feedEvent()]));
  blocked.resolve();
  await until('the last batch', () => has(reader.ids, last));
  await reader.close();
  const [refused, first, second, ...more] = reader.store.asked;
  t.same(first, refused, 'a page that failed is asked for again');
  t.equal(first?.from, owedFrom.toISOString());
  t.ok(first !== undefined && first.until > new Date().toISOString().slice(0, 16));
  t.same(second, { ...first, cursor: 'second' });
  t.same(more, []);
  t.same(reader.ids.slice(0, 4), idsOf([held, ...past]), 'store tells before the feed goes on');
});

for (const restarts of [false, true]) {
  const also = restarts ? ' and a restart of NATS' : '';
  t.test(`a reader sees what was dropped while it was away${also}`, async (t) => {
    const owedFrom = new Date();
    await readOnce(t, owedFrom);
    const all = await overflow();
    if (restarts) await restartNats();
    const reader = await read(t);
    reader.store.answer = async () => ({ events: all, next_cursor: null });
    await until('all events', () => has(reader.ids, all));
    await reader.close();
    t.equal(reader.store.asked.length, 1);
    t.equal(reader.store.asked[0]?.from, owedFrom.toISOString());
  });
}

t.test('a reader that was away without a loss asks store for nothing', async (t) => {
  await readOnce(t);
  const events = await publish(feedBatch([feedEvent()]));
  const reader = await read(t);
  await until('the events', () => has(reader.ids, events));
  await reader.close();
  t.same(reader.store.asked, []);
});

t.test('a new durable begins with what has happened since it was made', async (t) => {
  const { created } = await consumerInfo();
  const all = await overflow();
  const reader = await read(t);
  reader.store.answer = async () => ({ events: all, next_cursor: null });
  await until('all events', () => has(reader.ids, all));
  await reader.close();
  t.equal(reader.store.asked.length, 1);
  const from = Date.parse(reader.store.asked[0]?.from ?? '');
  t.ok(from < Date.parse(created) && from > Date.parse(created) - 10_000);
});

t.test('a new durable asks store also if its first batch is the first of EVENTS', async (t) => {
  const missed = [feedEvent()];
  const reader = await read(t);
  reader.store.answer = async () => ({ events: missed, next_cursor: null });
  const events = await publish(feedBatch([feedEvent()]));
  await until('the first batch', () => has(reader.ids, events));
  await reader.close();
  t.equal(await bookmarkSeq(), 1);
  t.same(reader.ids, idsOf([...missed, ...events]));
});

t.test('batches with numbers that NATS gives a second time are handled, late or not', async (t) => {
  for (let n = 0; n < 3; n += 1) await readOnce(t);
  t.equal(await bookmarkSeq(), 3);
  await jsm.streams.delete(streams.events);
  await makeEvents(jsm, CONSUMER);
  const events: FeedEvent[] = [];
  for (let n = 0; n < 3; n += 1) events.push(...(await publish(feedBatch([feedEvent()]))));
  const failing = await read(t, () => Promise.reject(new KahaError('TIMEOUT', 'late')));
  await until('the delivery', async () => (await consumerInfo()).num_ack_pending === 3);
  await failing.close();
  const reader = await read(t);
  await until('all events', () => has(reader.ids, events));
  await reader.close();
  t.same(reader.ids, idsOf(events));
  t.equal(reader.store.asked.length, 1, 'store tells what the lost batches may have held');
});

t.test('batches that a killed reader held are told by store or come again', async (t) => {
  await readOnce(t);
  const killed = await busOf('feed-one', 'feed-one');
  const consumer = await killed.nc.jetstream().consumers.get(streams.events, CONSUMER);
  const lost = await publish(feedBatch([feedEvent()]));
  await consumer.next();
  await killed.close();
  const reader = await read(t);
  reader.store.answer = async () => ({ events: lost, next_cursor: null });
  const events = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(reader.ids, events));
  t.ok(has(reader.ids, lost));
  await reader.close();
});

t.test(
  'a batch that cannot be read is dropped, and store tells what it may have held',
  async (t) => {
    await readOnce(t);
    const reader = await read(t);
    const past = [feedEvent()];
    reader.store.answer = async () => ({ events: past, next_cursor: null });
    const { owed_from } = feedBatch([]);
    const shapes = [null, {}, { owed_from, events: 5 }, { owed_from, events: [null] }];
    for (const text of ['{', ...shapes.map((shape) => JSON.stringify(shape))]) {
      await publishText(text);
    }
    const events = await publish(feedBatch([feedEvent()]));
    await until('the next batch', () => has(reader.ids, events));
    t.same(reader.ids, idsOf([...past, ...events]));
    await reader.close();
  },
);

t.test('a reader goes on where it was after a restart of NATS', async (t) => {
  await readOnce(t);
  const reader = await read(t);
  const before = await publish(feedBatch([feedEvent()]));
  await until('the events', () => has(reader.ids, before));
  await until('the bookmark', async () => {
    const { state } = await jsm.streams.info(streams.bookmarks);
    return state.messages === 1;
  });
  await restartNats();
  const after = await publish(feedBatch([feedEvent()]));
  await until('the events after', () => has(reader.ids, after));
  await reader.close();
  t.same(reader.store.asked, [], 'no gap is seen');
});

t.test('a reader gets all that is published while NATS is killed, and nothing else', async (t) => {
  const committed: FeedEvent[] = [];
  const reader = await read(t, () => new Promise((resolve) => setImmediate(resolve)));
  reader.store.answer = async ({ from, until: end }) => {
    const events = committed.filter(({ at }) => at >= from && at < end);
    return { events, next_cursor: null };
  };
  const publishSurely = async (): Promise<void> => {
    const batch = feedBatch([feedEvent(), feedEvent()], new Date(Date.now() - 10_000));
    committed.push(...batch.events);
    const options = { msgId: newId<string>(), timeoutMs: 1_000 };
    const payload = Buffer.from(JSON.stringify(batch));
    await until('the batch is stored', () =>
      router.jetPublish(subjects.events('router-1'), payload, options).then(
        () => true,
        () => false,
      ),
    );
  };
  for (let index = 0; index < 50; index += 1) await publishSurely();
  const restarted = restartNats();
  for (let index = 0; index < 100; index += 1) await publishSurely();
  await restarted;
  await until('all events', () => has(reader.ids, committed));
  await reader.close();
  const known = new Set(idsOf(committed));
  t.same(
    reader.ids.filter((id) => !known.has(id)),
    [],
  );
});

t.test('a batch that was taken on is acknowledged once it is done', async (t) => {
  await readOnce(t);
  const held = feedEvent();
  const open = makeBlock();
  const takeOn = async ({ event_id }: FeedEvent) =>
    event_id === held.event_id ? { done: open.promise } : undefined;
  const first = await read(t, takeOn, true);
  await publish(feedBatch([held]));
  const next = await publish(feedBatch([feedEvent()]));
  await until('the next batch', () => has(first.ids, next));
  const pending = async () => (await consumerInfo()).num_ack_pending;
  await until('only the held batch waits', async () => (await pending()) === 1);
  await first.close();
  const second = await read(t, takeOn, true);
  await until('the next reader gets it at once', () => has(second.ids, [held]));
  t.same(second.ids, [held.event_id], 'and nothing else');
  open.resolve();
  await until('it is done', async () => (await pending()) === 0);
  await second.close();
  t.same(second.store.asked, []);
  t.equal(await bookmarkSeq(), 3);
});

t.test('what store told after a gap comes again if it is not done', async (t) => {
  await readOnce(t);
  await overflow();
  const past = feedEvent();
  const owed = makeBlock();
  const takeOn = async ({ event_id }: FeedEvent) =>
    event_id === past.event_id ? { done: owed.promise } : undefined;
  for (const last of [false, true]) {
    const reader = await read(t, takeOn, true);
    reader.store.answer = async () => ({ events: [past], next_cursor: null });
    await publish(feedBatch([feedEvent()]));
    await until('store is asked', () => has(reader.ids, [past]));
    if (last) owed.resolve();
    await reader.close();
    if (!last) t.equal(await bookmarkSeq(), 1, 'the bookmark stays before the gap');
  }
});
