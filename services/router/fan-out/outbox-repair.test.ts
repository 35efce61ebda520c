import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { OutboxEntry, OutboxMissed } from '../../../shared/contracts/outbox.ts';
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
/** The clock of Postgres shows this, which has nothing to do with the clock of the router. */
const CLAIMED_AT = '2026-01-02T06:00:00.000Z';

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
  /** Runs before the feed answers. If it rejects, the feed has not stored the batch. */
  feeding?: () => Promise<void>;
};

function stage({ batches, requeue = async () => [], feeding = async () => {} }: Script) {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const claims: Claim[] = [];
  const done: EventId[] = [];
  const missed: OutboxMissed[] = [];
  const store = (async (op: string, request: Claim & { items?: OutboxMissed[] }) => {
    if (op === 'outbox.missed') missed.push(...(request.items ?? []));
    if (op === 'outbox.done') done.push(...(request.event_ids ?? []));
    if (op !== 'outbox.claim') return {};
    claims.push(request);
    const entries = request.event_ids === undefined ? (batches.shift() ?? []) : [];
    return { entries, oldest_at: OLDEST_AT, claimed_at: CLAIMED_AT };
  }) as unknown as AskStore;
  const published: { owed_from: string; events: unknown[] }[] = [];
  const publish = async (payload: string): Promise<void> => {
    published.push(JSON.parse(payload));
    await feeding();
  };
  const feed = new Feed({ publish, metrics, logger });
  const reports = new OutboxReports({ store, metrics, logger });
  const fanOut = { requeue, room: () => undefined } as unknown as FanOut;
  const onRepair = (): void => undefined;
  const parts = { store, fanOut, feed, reports, metrics, logger, onRepair };
  const voided: UserId[] = [];
  const voidQueues = async (userId: UserId): Promise<void> => void voided.push(userId);
  const repair = new OutboxRepair({ ...parts, voidQueues, isReady: () => true });
  const close = async (): Promise<void> => {
    await repair.close();
    await feed.close();
    await reports.close();
  };
  const outcomes = async () => (await metrics.repairs.get()).values;
  return { repair, reports, claims, done, missed, published, voided, outcomes, close };
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

t.test('a row is repaired while store notes what it lacked, and not once it is done', async (t) => {
  const { open, opened } = gate();
  const [lacking, finished] = [entryOf(), entryOf()];
  const batches = [[entryOf()], [lacking, finished]];
  const started: EventId[] = [];
  const requeue = async ({ eventId }: Delivery): Promise<UserId[]> => {
    started.push(eventId);
    await opened;
    return [];
  };
  const { reports, claims, close } = stage({ batches, requeue });
  await until('the next are claimed', () => claims.length === 2);
  reports.missed({ event_id: lacking.event_id, missed: [ann], is_fed: true });
  reports.done(finished.event_id);
  open();
  await until('all are claimed', () => claims.length === 3);
  await close();
  t.same(started.slice(1), [lacking.event_id]);
});

/** Returns batches as store claims them: rows owed to users come first, and others fill up. */
function claimsOf(owed: number, feedOnly: number): OutboxEntry[][] {
  const rows = Array.from({ length: owed + feedOnly }, (_, index) =>
    index < owed ? entryOf() : { ...entryOf(), missed: [] },
  );
  return Array.from({ length: rows.length / 200 }, (_, n) => rows.slice(200 * n, 200 * (n + 1)));
}

t.test('rows owed to users go on while the feed does not answer', async (t) => {
  const { open, opened } = gate();
  const batches = claimsOf(1_001, 4_999);
  const reached = new Set<EventId>();
  const requeue = async ({ eventId, userIds }: Delivery): Promise<UserId[]> => {
    if (userIds.length > 0) reached.add(eventId);
    return [];
  };
  const feeding = () => opened.then(() => Promise.reject(new Error('away')));
  const { claims, missed, done, close } = stage({ batches, requeue, feeding });
  await until('all users are reached', () => reached.size === 1_001);
  for (let n = 0; n < 10; n += 1) await turn();
  t.equal(claims.length, 8, 'nobody is left but the feed, which has not answered');
  open();
  await until('what is left is noted', () => missed.length === 1_001);
  await close();
  t.ok(missed.every((item) => item.missed?.length === 0 && !item.is_fed));
  t.same([claims.length, done], [8, []], 'the pass has ended');
});

t.test('a feed that is away is not asked for each row, and users do not feel it', async (t) => {
  const batches = claimsOf(4_000, 4_000);
  const feeding = () => Promise.reject(new Error('away'));
  const { claims, missed, published, close } = stage({ batches, feeding });
  await until('all users are reached', () => missed.length === 4_000);
  await close();
  t.ok(claims.length <= 22, 'a pass ends where only the feed lacks events');
  const asked = published.flatMap(({ events }) => events);
  t.ok(asked.length <= 3 * 9 * 200, 'the feed was asked for the first batches alone');
});

t.test('queues that take no event for 6 h by the clock of Postgres are voided', async (t) => {
  const requeue = async ({ userIds }: Delivery): Promise<readonly UserId[]> => userIds;
  const younger = { ...entryOf(), at: '2026-01-02T00:00:00.000Z' };
  const young = stage({ batches: [[younger]], requeue });
  await until('the row is noted', () => young.missed.length + young.done.length > 0);
  await young.close();
  t.same(young.voided, []);
  const older = { ...entryOf(), at: '2026-01-01T23:59:59.999Z' };
  const old = stage({ batches: [[older]], requeue });
  await until('the row is done', () => old.done.length > 0);
  await old.close();
  t.same([old.voided, old.done], [[ann], [older.event_id]]);
});
