import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { FeedEvent } from '../shared/contracts/feed.ts';
import { streams } from '../shared/contracts/subjects.ts';
import { startFeedReader } from '../shared/feed/feed-reader.ts';
import { newId } from '../shared/ids.ts';
import { connectBus } from '../shared/nats/bus.ts';
import { connectNats } from '../shared/nats/nats-connection.ts';
import { createAskStore } from '../shared/nats/rpc-clients.ts';
import { createLogger } from '../shared/process/logger.ts';
import { createMetrics } from '../shared/process/metrics.ts';
import type { Answer, Client } from './stage/client.ts';
import { checkFeed } from './stage/feed-watch.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/** A consumer of the feed that is away for hours harms nobody, and misses nothing. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
const CONSUMER = 'one';
const STORE_MS = 5_000;
/** Hours of events do not fit into this much, and neither do those of a test. */
const EVENTS_BYTES_MAX = 4 * 1024;
const PACE = 4;
const logger = createLogger({ service: 'test', instance: 't', level: 'silent', hashKey: 'test' });

const { url, seeds } = { url: system.stack.urls.nats, seeds: system.stack.seeds };
const user = { natsUser: 'setup', instance: 'setup', nkeySeed: seeds.setup ?? '' };
const setup = await connectNats({ url, ...user });
const jsm = await setup.jetstreamManager();
t.teardown(() => setup.close());

/** Reads as the consumer's service does, with a connection and permissions of its own. */
async function startConsumer() {
  const instance = `feed-${CONSUMER}`;
  const metrics = createMetrics('test', instance);
  const nkeySeed = seeds[instance] ?? '';
  const bus = await connectBus({ url, nkeySeed, instance, logger, metrics });
  const askStore = createAskStore(bus, STORE_MS);
  const events: FeedEvent[] = [];
  const reader = startFeedReader(
    { bus, logger, metrics },
    {
      ...{ consumer: CONSUMER, concurrencyMax: 8 },
      handle: async (event) => void events.push(event),
      askEvents: (range) => askStore('events.between', range),
    },
  );
  const gaps = async (): Promise<number> => {
    const text = await metrics.registry.metrics();
    return Number(/kaha_feed_gaps_total\S* (\d+)/.exec(text)?.[1]);
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= reader.close().then(() => bus.close());
    return stopping;
  };
  t.teardown(stop);
  return { events, gaps, stop };
}

await jsm.consumers.add(streams.events, {
  durable_name: CONSUMER,
  ...{ ack_policy: 'explicit' as never, ack_wait: 30_000_000_000, max_ack_pending: 1_000 },
});

const [ann, bob, cat] = await system.people(3);
const group = await system.conversation([ann, bob, cat]);
const a = await system.connectNew(ann);
const b = await system.connectNew(bob, { edge: 2 });

/** Asks again when the user is told to be slower. */
async function ask(client: Client, frame: Record<string, unknown>): Promise<Answer> {
  for (;;) {
    const answer = await client.ask(frame);
    const waitS = answer.error?.retry_after;
    if (waitS === undefined) return answer;
    await delay(1_000 * waitS);
  }
}

/** Sends so many messages, reacts to some, and edits one of them. */
async function chat(count: number): Promise<void> {
  let message_id: unknown;
  for (const n of numbers(1, count)) {
    const frame = { type: 'message', conversation_id: group, content: `${n}` };
    const sent = await ask(a, { ...frame, client_msg_id: newId<string>() });
    message_id = sent.data?.message_id;
    if (n % PACE === 0) await ask(b, { type: 'react', message_id, emoji: '👍' });
  }
  await ask(a, { type: 'edit', message_id, content: 'edited' });
}

t.test('a consumer reads what it gets, and goes on where it was', async (t) => {
  const consumer = await startConsumer();
  await chat(8);
  await checkFeed(t, system, consumer.events);
  t.equal(await consumer.gaps(), 1, 'the first batch of a new consumer');
  await consumer.stop();
});

t.test(
  'the chat does not feel a consumer that is away, and the stream drops the oldest',
  async (t) => {
    await jsm.streams.update(streams.events, { max_bytes: EVENTS_BYTES_MAX });
    await chat(60);
    await b.messages(8 + 60);
    await until('nothing is owed', async () => {
      const [row] = await system.sql<{ n: string }>('select count(*) n from outbox');
      return Number(row?.n) === 0;
    });
    const { state } = await jsm.streams.info(streams.events);
    t.ok(state.bytes <= EVENTS_BYTES_MAX);
    t.ok(state.first_seq > 1);
  },
);

t.test('a consumer that comes back catches up from store', async (t) => {
  const consumer = await startConsumer();
  await until('the gap is seen', async () => (await consumer.gaps()) > 0);
  const known = await startedBefore();
  await until('all that was missed is told', () => {
    const told = new Set(consumer.events.map(({ event_id }) => String(event_id)));
    return known.every((id) => told.has(id));
  });
  const fromStore = consumer.events.find(({ recipients }) => recipients[0]?.taken === undefined);
  t.ok(fromStore, 'store does not know who took an event, and does not say so');
  t.notMatch(JSON.stringify(consumer.events), /edited"[^}]*content|👍/);
  const all = new Set(await committed());
  const others = consumer.events.filter(
    ({ kind, event_id }) => kind !== 'taken_late' && kind !== 'read' && !all.has(event_id),
  );
  t.same(others, [], 'no event is invented');
  await consumer.stop();
});

/** The consumer had read the first events before it was away. */
async function startedBefore(): Promise<string[]> {
  const rows = await system.sql<{ id: string }>(
    `select message_id as id from messages where seq > 8
     union all select event_id from event_log where seq > 8`,
  );
  return rows.map(({ id }) => id);
}

async function committed(): Promise<string[]> {
  const rows = await system.sql<{ id: string }>(`select message_id as id from messages
    union all select event_id from event_log`);
  return rows.map(({ id }) => id);
}
