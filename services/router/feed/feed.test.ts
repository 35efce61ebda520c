import t from 'tap';
import type { FeedBatch, FeedEvent } from '../../../shared/contracts/feed.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { Feed } from './feed.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const KIB = 1024;

type Published = FeedBatch & { msgId: string; bytes: number };

/** The first publishes fail on this stage, and each of them lasts until `answered` resolves. */
function stage({ failures = 0, answered = Promise.resolve() } = {}) {
  const metrics = createMetrics('router', 'router-1');
  const batches: Published[] = [];
  const publish = async (payload: string, msgId: string): Promise<void> => {
    batches.push({ ...JSON.parse(payload), msgId, bytes: Buffer.byteLength(payload) });
    await answered;
    if (batches.length <= failures) throw new Error('not stored');
  };
  const feed = new Feed({ publish, metrics: createRouterMetrics(metrics), logger });
  const counted = async (name: string): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric(`kaha_router_feed_${name}_total`)?.get();
    return metric?.values[0]?.value ?? 0;
  };
  const dropped = async (duty: string): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric('kaha_router_feed_dropped_total')?.get();
    return metric?.values.find(({ labels }) => labels.duty === duty)?.value ?? 0;
  };
  return { feed, batches, counted, dropped };
}

/** Makes an event whose JSON takes about so many bytes. */
function eventOf(bytes = 0): FeedEvent {
  return {
    kind: 'message',
    event_id: newId<EventId>(),
    at: new Date().toISOString(),
    conversation_id: newId<ConversationId>(),
    recipients: [{ user_id: newId<UserId>(), taken: ['d'.repeat(bytes)] }],
  };
}

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

t.test('events that come together share a batch, and each is known to be stored', async (t) => {
  const { feed, batches, counted } = stage();
  const events = [eventOf(), eventOf(), eventOf()];
  t.same(await Promise.all(events.map((event) => feed.put(event))), [true, true, true]);
  t.same(
    batches.map((batch) => batch.events),
    [events],
  );
  t.equal(feed.waiting, 0);
  t.same([await counted('batches'), await counted('events')], [1, 3]);
});

t.test('a batch has 200 events and 512 KiB at most', async (t) => {
  const { feed, batches } = stage();
  const small = Array.from({ length: 450 }, () => eventOf());
  await Promise.all(small.map((event) => feed.put(event)));
  t.same(
    batches.map(({ events }) => events.length),
    [200, 200, 50],
  );
  batches.length = 0;
  const large = Array.from({ length: 15 }, () => eventOf(100 * KIB));
  await Promise.all(large.map((event) => feed.put(event)));
  t.same(
    batches.map(({ events }) => events.length),
    [5, 5, 5],
  );
  t.ok(batches.every(({ bytes }) => bytes <= 512 * KIB));
});

t.test('a batch says from when on events are owed, and that time only rises', async (t) => {
  const { feed, batches } = stage();
  const put = async (oldestAt?: string): Promise<string | undefined> => {
    if (oldestAt !== undefined) feed.noteOldest(oldestAt);
    await feed.put(eventOf());
    return batches.at(-1)?.owed_from;
  };
  t.equal(await put(), '1970-01-01T00:00:00.000Z', 'nothing is known before the first claim');
  t.equal(await put('2026-01-02T00:00:30.500Z'), '2026-01-02T00:00:30.500Z');
  t.equal(await put('2026-01-02T00:00:30.400Z'), '2026-01-02T00:00:30.500Z');
  t.equal(await put('no time'), '2026-01-02T00:00:30.500Z');
});

t.test('a batch that fails is tried again under the same message id', async (t) => {
  const { feed, batches, counted } = stage({ failures: 2 });
  t.equal(await feed.put(eventOf()), true);
  t.equal(new Set(batches.map(({ msgId }) => msgId)).size, 1);
  t.same([batches.length, await counted('failures'), await counted('events')], [3, 2, 1]);
});

t.test('an event is not fed if its batch has failed three times', async (t) => {
  const { feed, batches } = stage({ failures: 3 });
  t.same(await Promise.all([feed.put(eventOf()), feed.put(eventOf())]), [false, false]);
  t.equal(batches.length, 3);
  t.equal(await feed.put(eventOf()), true, 'the next batch goes on');
});

t.test('20 000 events may wait, and half of that room is closed to best effort', async (t) => {
  const { open, opened } = gate();
  const { feed, batches, dropped } = stage({ answered: opened });
  const puts = Array.from({ length: 10_000 }, () => feed.put(eventOf()));
  feed.tell(eventOf());
  t.equal(feed.waiting, 10_000);
  for (let n = 0; n < 10_000; n += 1) puts.push(feed.put(eventOf()));
  t.equal(await feed.put(eventOf()), false);
  feed.tell(eventOf());
  t.same([await dropped('owed'), await dropped('best_effort')], [1, 2]);
  open();
  t.ok((await Promise.all(puts)).every((isStored) => isStored));
  t.equal(batches.flatMap(({ events }) => events).length, 20_000);
  t.equal(await feed.put(eventOf()), true);
});

t.test('16 MiB may wait, and an event larger than a batch is not fed', async (t) => {
  const { open, opened } = gate();
  const { feed } = stage({ answered: opened });
  t.equal(await feed.put(eventOf(512 * KIB)), false);
  const puts = Array.from({ length: 32 }, () => feed.put(eventOf(510 * KIB)));
  t.equal(await feed.put(eventOf(510 * KIB)), false);
  feed.tell(eventOf());
  t.equal(feed.waiting, 32);
  open();
  t.ok((await Promise.all(puts)).every((isStored) => isStored));
  t.equal(await feed.put(eventOf(510 * KIB)), true, 'the room is free again');
});

t.test('a feed that closes publishes what waits', async (t) => {
  const { open, opened } = gate();
  const { feed, batches } = stage({ answered: opened });
  const put = feed.put(eventOf());
  const closed = feed.close().then(() => feed.waiting);
  open();
  t.equal(await closed, 0);
  t.same([await put, batches.length], [true, 1]);
});
