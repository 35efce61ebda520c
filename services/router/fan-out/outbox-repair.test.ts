import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { Feed } from '../feed/feed.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { deliveryOf } from './deliveries.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import { OutboxRepair } from './outbox-repair.ts';
import { OutboxReports } from './outbox-reports.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ann = newId<UserId>();
const OLDEST_AT = '2026-01-02T00:00:10.000Z';

function entryOf(): OutboxEntry {
  const record = { created_at: new Date().toISOString() } as never;
  const address = { event_id: newId<EventId>(), conversation_id: newId<ConversationId>() };
  const event = { kind: 'conversation' as const, change: 'created' as const };
  return { ...address, ...event, version: 1, user_ids: [ann], records: { [ann]: record } };
}

type Claim = { event_ids?: EventId[]; limit: number };
type Script = {
  /** Each ordinary claim is answered with the next of these batches. */
  batches: OutboxEntry[][];
  requeue?: (delivery: Delivery) => Promise<readonly UserId[]>;
};

function stage({ batches, requeue = async () => [] }: Script) {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const claims: Claim[] = [];
  const done: EventId[] = [];
  const store = (async (op: string, request: Claim) => {
    if (op === 'outbox.done') done.push(...(request.event_ids ?? []));
    if (op !== 'outbox.claim') return {};
    claims.push(request);
    const entries = request.event_ids === undefined ? (batches.shift() ?? []) : [];
    return { entries, oldest_at: OLDEST_AT };
  }) as unknown as AskStore;
  const published: { owed_from: string; events: unknown[] }[] = [];
  const publish = async (payload: string): Promise<void> => {
    published.push(JSON.parse(payload));
  };
  const feed = new Feed({ publish, metrics, logger });
  const reports = new OutboxReports({ store, metrics, logger });
  const fanOut = { requeue, room: () => undefined } as unknown as FanOut;
  const parts = { store, fanOut, feed, reports, metrics, logger };
  const voidQueues = async (): Promise<void> => undefined;
  const repair = new OutboxRepair({ ...parts, voidQueues, isConnected: () => true });
  const close = async (): Promise<void> => {
    await repair.close();
    await feed.close();
    await reports.close();
  };
  const outcomes = async () => (await metrics.repairs.get()).values;
  return { repair, claims, done, published, outcomes, close };
}

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

t.test('a router repairs at once when it starts, and batches say since when', async (t) => {
  const batches = [Array.from({ length: 200 }, entryOf)];
  const owed = batches.flat().map(({ event_id }) => event_id);
  const { claims, done, published, close } = stage({ batches });
  await until('the outbox is read to its end', () => claims.length === 2);
  await until('the feed has all', () => published.length === 1);
  t.equal(published[0]?.events.length, 200, 'the rows of a claim share a batch');
  t.equal(published[0]?.owed_from, OLDEST_AT);
  await close();
  t.same(done, owed);
});

t.test('the feed is told of those alone who get the event, whatever they miss', async (t) => {
  const bob = newId<UserId>();
  const both = { ...entryOf(), user_ids: [bob, ann] };
  const missed = [[bob], [ann], []].map((ids) => ({ ...both, event_id: newId(), missed: ids }));
  const requeued: UserId[][] = [];
  const requeue = async ({ userIds }: Delivery) => {
    requeued.push([...userIds]);
    return [];
  };
  const { published, close } = stage({ batches: [[both, ...missed] as OutboxEntry[]], requeue });
  await until('the feed has all', () => published.length === 1);
  await close();
  const recipients = deliveryOf(both).userIds.map((user_id) => ({ user_id, taken: [] }));
  t.match(
    published[0]?.events,
    [both, ...missed].map(({ event_id }) => ({ event_id, recipients })),
  );
  t.same(requeued, [[ann], [], [ann], []]);
});

t.test('the next rows are claimed while these are on their way, and no more', async (t) => {
  const { open, opened } = gate();
  const batches = [[entryOf()], [entryOf()], [entryOf()]];
  const started: EventId[] = [];
  const requeue = async ({ eventId }: Delivery): Promise<UserId[]> => {
    started.push(eventId);
    await opened;
    return [];
  };
  const { claims, done, close } = stage({ batches, requeue });
  await until('the next are claimed', () => claims.length === 2);
  for (let n = 0; n < 10; n += 1) await turn();
  t.same([claims.length, started.length], [2, 1]);
  open();
  await until('all are claimed', () => claims.length === 4);
  await close();
  t.same(done.length, 3);
});

t.test('a row that cannot be sent costs only itself, and is counted', async (t) => {
  const bad = { ...entryOf(), kind: 'unheard of' } as unknown as OutboxEntry;
  const good = [entryOf(), entryOf()] as const;
  const { claims, done, outcomes, close } = stage({ batches: [[good[0], bad, good[1]]] });
  await until('the outbox is read to its end', () => claims.length === 2);
  await close();
  t.same(
    done,
    good.map(({ event_id }) => event_id),
  );
  t.match(await outcomes(), [
    { labels: { outcome: 'unreadable' }, value: 1 },
    { labels: { outcome: 'done' }, value: 2 },
  ]);
});

t.test('a pass ends when no row came further, so that an outage costs little', async (t) => {
  const batches = [[entryOf()], [entryOf()], [entryOf()], [entryOf()]];
  for (const [entry] of batches) Object.assign(entry ?? {}, { is_fed: true });
  let requeued = 0;
  const requeue = async ({ userIds }: Delivery) => {
    requeued += 1;
    return userIds;
  };
  const { claims, done, close } = stage({ batches, requeue });
  await until('two batches are claimed', () => claims.length === 2);
  for (let n = 0; n < 10; n += 1) await turn();
  await close();
  t.same([claims.length, requeued, done], [2, 2, []], 'what was claimed was tried');
});

t.test('an event whose send is repeated does not wait for the rows before it', async (t) => {
  const { open, opened } = gate();
  const batches = [[entryOf()], [entryOf()], [entryOf()]];
  const requeue = (): Promise<UserId[]> => opened.then(() => []);
  const { repair, claims, close } = stage({ batches, requeue });
  await until('the next are claimed', () => claims.length === 2);
  const rescued = newId<EventId>();
  repair.rescue([rescued]);
  open();
  await until('all are claimed', () => claims.length === 5);
  t.same(claims[2]?.event_ids, [rescued]);
  await close();
});
