import t, { type Test } from 'tap';
import { freePorts } from '../../dev/processes/ports.ts';
import { createDatabase, startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import type { AppendReply } from '../../shared/contracts/append.ts';
import type { HistoryPage } from '../../shared/contracts/messages.ts';
import { natsUserOf } from '../../shared/contracts/permissions.ts';
import type { PositionBatch } from '../../shared/contracts/positions.ts';
import type { StoreOps } from '../../shared/contracts/store-ops.ts';
import { streams, subjects } from '../../shared/contracts/subjects.ts';
import { KahaError } from '../../shared/errors.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../shared/ids.ts';
import { type Bus, connectBus } from '../../shared/nats/bus.ts';
import { createAskStore } from '../../shared/nats/rpc-clients.ts';
import { createMetrics } from '../../shared/process/metrics.ts';
import { openDatabase } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { BUSINESS_PENDING_MAX } from './inbox/business-sends.ts';
import { createOutage } from './stage/outage.ts';
import { contentKeys, letter, silent } from './stage/store-stage.ts';
import { createStore } from './store.ts';

const nats = await startNats();
const database = await createDatabase({ isEmpty: true });
const outage = await createOutage(database.url);
const direct = openDatabase({ url: database.url, poolMax: 2, logger: silent });
const setup = await busOf('setup');
await createPositionsStream(setup);
const [router, edge, retention] = await Promise.all(['router-1', 'edge-1', 'retention'].map(busOf));
const [adminPort] = (await freePorts(1)) as [number];
const store = await createStore(configOf(outage.url), {
  logger: silent,
  metrics: createMetrics('store', 'store-1'),
});
t.teardown(async () => {
  await store.close();
  for (const bus of [router, edge, retention]) await bus?.close();
  await setup.close();
  await direct.close();
  await outage.close();
  await nats.stop();
  await database.drop();
});

function configOf(url: string) {
  return {
    instance: 'store-1',
    nats: { url: nats.url, nkeySeed: nats.seeds.store as string },
    admin: { host: '127.0.0.1', port: adminPort },
    log: { level: 'silent', hashKey: 'test' },
    database: { url, poolMax: 8, pooling: 'session' as const },
    retentionDays: 90,
    graceDays: 7,
    contentKeys,
    editWindowMs: 900_000,
  };
}

const ASKERS: Partial<Record<keyof StoreOps, Bus | undefined>> = {
  'conversations.list': edge,
  'messages.history': edge,
  'messages.undelivered': edge,
  'partitions.ensure': retention,
};

function busOf(instance: string): Promise<Bus> {
  const nkeySeed = nats.seeds[natsUserOf(instance)] as string;
  const metrics = createMetrics('test', instance);
  return connectBus({ url: nats.url, nkeySeed, instance, logger: silent, metrics });
}

async function createPositionsStream(bus: Bus): Promise<void> {
  const jsm = await bus.nc.jetstreamManager();
  const subject = subjects.receipts('*');
  await jsm.streams.add({ name: streams.receipts, subjects: [subject] });
  const durable_name = streams.receiptsDurable;
  await jsm.consumers.add(streams.receipts, { durable_name, ack_policy: 'explicit' as never });
}

/** The request goes over the connection of a service that may ask for the operation. */
function ask<Op extends keyof StoreOps>(op: Op, body: StoreOps[Op][0]): Promise<StoreOps[Op][1]> {
  const bus = ASKERS[op] ?? router;
  return createAskStore(bus as Bus, 2_000)(op, body);
}

async function readyz(): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
  return [response.status, (await response.text()).trim()];
}

const [alice, bina] = [newId<UserId>(), newId<UserId>()];
const conversation = { type: 'direct' as const, participant_ids: [bina] };

t.test('without the schema a store is not ready and answers a retryable error', async (t) => {
  t.same(await readyz(), [503, 'schema not migrated']);
  await t.rejects(ask('conversations.create', { user_id: alice, conversation }), {
    code: 'DATABASE_UNAVAILABLE',
    retryAfterS: Number,
  });
  await migrate(direct.db);
  await until('readyz answers 200', async () => (await readyz())[0] === 200);
});

t.test('a store serves requests over NATS and takes positions', async (t) => {
  const { record } = await ask('conversations.create', { user_id: alice, conversation });
  const { conversation_id } = record;
  const { results } = await ask('messages.append', { conversation_id, items: [letter(alice)] });
  t.match(results, [{ ok: true, seq: 1 }]);
  const batch: PositionBatch = { items: [[conversation_id, bina, 'read', 1, Date.now()]] };
  const payload = new TextEncoder().encode(JSON.stringify(batch));
  const subject = subjects.receipts('router-1');
  await router?.jetPublish(subject, payload, { msgId: 'r1', timeoutMs: 2_000 });
  await until('the message is read', async () => {
    const page = await ask('messages.history', { user_id: alice, conversation_id });
    return page.messages[0]?.status === 'read';
  });
  const { created } = await ask('partitions.ensure', { weeks_ahead: 3 });
  t.same(created, []);
  t.same((await ask('outbox.claim', { limit: 10, lease_ms: 1_000 })).entries, []);
});

t.test('a business that has all the sends that may wait leaves room to others', async (t) => {
  const business_id = newId<BusinessId>();
  const shop = { type: 'business' as const, business_id };
  const [busy, calm] = await Promise.all([
    ask('conversations.create', { user_id: alice, conversation: shop }),
    ask('conversations.create', { user_id: alice, conversation }),
  ]);
  const { conversation_id } = busy.record;
  const client = await direct.pool.connect();
  await client.query('begin');
  await client.query('select from conversations where conversation_id = $1 for update', [
    conversation_id,
  ]);
  const sends = Array.from({ length: BUSINESS_PENDING_MAX.count }, () =>
    ask('messages.append', { conversation_id, business_id, items: [letter(alice)] }),
  );
  const settled = Promise.allSettled(sends);
  const { conversation_id: id } = calm.record;
  const { results } = await ask('messages.append', { conversation_id: id, items: [letter(alice)] });
  t.match(results, [{ ok: true }]);
  await client.query('rollback');
  client.release();
  await settled;
});

/** Each kind of request must answer a typed error within `withinMs` while Postgres is away. */
async function answersWhileAway(t: Test, withinMs: number): Promise<void> {
  const conversation_id = newId<never>();
  const user_id = alice;
  const unavailable = { code: 'DATABASE_UNAVAILABLE', retryAfterS: Number };
  const startedAt = Date.now();
  const sends = Array.from({ length: 20 }, async () => {
    const append = ask('messages.append', { conversation_id, items: [letter(alice)] });
    const refused = (reply: AppendReply) => reply.results[0];
    const answer = await append.then(refused, (error) => ({ error }));
    t.match(answer, { error: { code: 'DATABASE_UNAVAILABLE' } });
  });
  await Promise.all([
    ...sends,
    t.rejects(ask('messages.history', { user_id, conversation_id }), unavailable),
    t.rejects(ask('messages.undelivered', { user_id }), unavailable),
    t.rejects(ask('conversations.create', { user_id, conversation }), unavailable),
    t.rejects(ask('conversations.list', { user_id }), unavailable),
    t.rejects(ask('outbox.done', { event_ids: [newId()] }), unavailable),
  ]);
  t.ok(Date.now() - startedAt < withinMs, `${Date.now() - startedAt} ms`);
}

/**
 * A page waits for a connection for 1 s. On a busy machine none may be free so soon, and the answer
 * is then an error after which a client asks again. Any other error fails the test.
 */
function readPatiently(conversation_id: ConversationId): Promise<HistoryPage> {
  return until('a page is read', async () => {
    try {
      return await ask('messages.history', { user_id: alice, conversation_id });
    } catch (error) {
      if (KahaError.from(error).code === 'DATABASE_UNAVAILABLE') return undefined;
      throw error;
    }
  });
}

async function works(t: Test): Promise<void> {
  await until('store creates conversations again', async () => {
    const created = ask('conversations.create', { user_id: alice, conversation });
    const [result] = await Promise.allSettled([created]);
    return result.status === 'fulfilled';
  });
  const { record } = await ask('conversations.create', { user_id: alice, conversation });
  const { conversation_id } = record;
  const { results } = await ask('messages.append', { conversation_id, items: [letter(alice)] });
  t.match(results, [{ ok: true }]);
  // These are more pages than store makes at once.
  const pages = Array.from({ length: 60 }, () => readPatiently(conversation_id));
  const read = await Promise.all(pages);
  t.ok(read.every(({ messages }) => messages.length > 0));
}

t.test('while Postgres refuses, a typed error comes within 2 s; the store heals', async (t) => {
  await outage.refuse();
  await answersWhileAway(t, 2_000);
  await until('readyz answers 503', async () => (await readyz())[0] === 503);
  await outage.heal();
  await works(t);
  await until('readyz answers 200', async () => (await readyz())[0] === 200);
});

t.test('while Postgres is frozen, a typed error comes within 2 s; the store heals', async (t) => {
  outage.freeze();
  await answersWhileAway(t, 2_000);
  await answersWhileAway(t, 2_000);
  await outage.heal();
  await works(t);
});
