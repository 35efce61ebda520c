import pg from 'pg';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/**
 * Processes die exactly at the worst moment. A lock that the test holds brings each moment about.
 */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });
const LATE_MS = 10_000;
/**
 * Routers look every 2-3 s for fan-outs that are owed for more than 5 s after the commit. They take
 * over a fan-out that was begun and not finished after 30 s.
 */
const OWED_MS = 45_000;

const isKept = ({ content }: Frame): boolean => content === 'kept';

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  await a.post(conversation, 'before');
  await b.messages(1);
  return { ann, bob, conversation, a, b, key: { client_msg_id: newId<string>() } };
}

/** Opens a connection that holds a lock until `release`. */
async function hold(statement: string, values: unknown[]) {
  const client = new pg.Client({ connectionString: system.stack.urls.database });
  await client.connect();
  await client.query('begin');
  await client.query(statement, values);
  return { release: () => client.end() };
}

const holdConversation = (id: string) =>
  hold('select from conversations where conversation_id = $1 for update', [id]);

/**
 * Makes each transaction that commits a message wait until `release`. No other transaction waits.
 */
async function holdCommits() {
  await system.sql(`create or replace function wait_for_test() returns trigger
    language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4711); return null; end $$`);
  await system.sql(`create constraint trigger wait_for_test after insert on message_keys
    deferrable initially deferred for each row execute function wait_for_test()`);
  const held = await hold('select pg_advisory_xact_lock(4711)', []);
  return {
    async release() {
      await held.release();
      await until('those who waited are through', async () => (await waiting()) === 0);
      await system.sql('drop trigger wait_for_test on message_keys');
    },
  };
}

/** Counts the connections of stores that wait for a lock. */
async function waiting(): Promise<number> {
  const [row] = await system.sql<{ count: string }>(
    `select count(*) from pg_stat_activity where application_name = 'kaha-store'
     and datname = current_database() and wait_event_type = 'Lock'`,
  );
  return Number(row?.count);
}

const someWait = () => until('a store waits', async () => (await waiting()) > 0);

t.test('a store that dies before the commit leaves nothing, and a repeat is new', async (t) => {
  const { ann, conversation, a, b, key } = await scene();
  const held = await holdConversation(conversation);
  const startedAt = Date.now();
  const answering = a.post(conversation, 'never', key);
  await someWait();
  system.stack.kill('store-1');
  const answer = await answering;
  t.ok(Date.now() - startedAt < LATE_MS);
  t.match(answer, { error: { code: /^(TIMEOUT|MESSAGING_UNAVAILABLE|DATABASE_UNAVAILABLE)$/ } });
  // The connection of the dead store is ended, so that Postgres drops the waiting transaction.
  await system.sql(`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'kaha-store' and datname = current_database()`);
  await held.release();
  await system.stack.start('store-1');
  t.equal((await system.history(ann, conversation)).length, 1);
  const again = await a.post(conversation, 'again', key);
  t.match(again.data, { seq: 2 });
  t.notHas(again.data, { duplicate: true });
  t.match((await b.messages(2)).at(-1), { seq: 2, content: 'again' });
});

t.test('a store that dies after the commit leaves a message that all get', async (t) => {
  const { ann, bob, conversation, a, b, key } = await scene();
  await b.settled();
  await b.close();
  const held = await holdCommits();
  const startedAt = Date.now();
  const answering = a.post(conversation, 'kept', key);
  await someWait();
  system.stack.kill('store-1');
  await held.release();
  const answer = await answering;
  t.ok(Date.now() - startedAt < LATE_MS);
  t.equal(answer.type, 'error', 'the answer says that the outcome is unknown');
  await system.stack.start('store-1');
  t.match((await a.messages(2, OWED_MS)).at(-1), { seq: 2, content: 'kept' });
  const back = await system.connect(bob);
  t.equal(back.received[0]?.resumed, true);
  t.match((await back.messages(1, OWED_MS)).at(-1), { seq: 2, content: 'kept' });
  t.match((await a.post(conversation, 'repeat', key)).data, { seq: 2, duplicate: true });
  await a.post(conversation, 'after');
  t.same(seqsOf(await back.messages(2)), [2, 3]);
  t.same(seqsOf(await system.history(ann, conversation)), [1, 2, 3]);
});

t.test('a repeat finishes an unfinished fan-out without waiting for the repair', async (t) => {
  const { conversation, a, b, key } = await scene();
  const held = await holdCommits();
  const answering = a.post(conversation, 'kept', key);
  await someWait();
  system.stack.kill('store-1');
  await held.release();
  await answering;
  await system.stack.start('store-1');
  const startedAt = Date.now();
  const repeat = await until('the store answers', async () => {
    const answer = await a.post(conversation, 'x', key);
    return answer.type === 'reply' && answer;
  });
  t.match(repeat.data, { seq: 2, duplicate: true });
  t.match((await b.messages(2)).at(-1), { seq: 2, content: 'kept' });
  t.ok(Date.now() - startedAt < 5_000);
});

t.test('a message whose only router dies after the commit reaches one who was away', async (t) => {
  const { bob, conversation, a, b, key } = await scene();
  await b.settled();
  await b.close();
  const held = await holdCommits();
  const startedAt = Date.now();
  const answering = a.post(conversation, 'kept', key);
  await someWait();
  system.stack.kill('router-1');
  await held.release();
  const answer = await answering;
  t.ok(Date.now() - startedAt < LATE_MS);
  t.match(answer, { error: { code: /^(TIMEOUT|MESSAGING_UNAVAILABLE)$/ } });
  await system.stack.start('router-1');
  const back = await until('sessions open again', async () =>
    system.connect(bob).catch((error: unknown) => void error),
  );
  t.equal(back.received[0]?.resumed, true);
  t.match((await back.messages(1, OWED_MS)).at(-1), { seq: 2, content: 'kept' });
  t.match((await a.post(conversation, 'x', key)).data, { seq: 2, duplicate: true });
});

t.test('a message reaches one who was away though NATS died before the fan-out', async (t) => {
  const { bob, conversation, a, b, key } = await scene();
  await b.settled();
  await b.close();
  const held = await holdCommits();
  const startedAt = Date.now();
  const answering = a.post(conversation, 'kept', key);
  await someWait();
  system.stack.kill('nats');
  await held.release();
  const answer = await answering;
  t.ok(Date.now() - startedAt < LATE_MS);
  t.match(answer, { error: { code: /^(TIMEOUT|MESSAGING_UNAVAILABLE)$/ } });
  await system.stack.start('nats');
  const back = await until('sessions open again', async () =>
    system.connect(bob).catch((error: unknown) => void error),
  );
  // A server that was killed may have forgotten acknowledgements, so earlier messages may come
  // again.
  t.match(await back.next(isKept, OWED_MS), { seq: 2 });
  t.match(await a.next(isKept, OWED_MS), { seq: 2 });
  t.match((await a.post(conversation, 'x', key)).data, { seq: 2, duplicate: true });
});

t.test('a conversation that is locked for long delays no other conversation', async (t) => {
  const one = await scene();
  const two = await scene();
  const held = await holdConversation(one.conversation);
  const startedAt = Date.now();
  let isBlocked = true;
  const blocked = one.a.post(one.conversation, 'blocked', one.key).finally(() => {
    isBlocked = false;
  });
  const free = await Promise.all(numbers(1, 10).map((n) => two.a.post(two.conversation, `${n}`)));
  t.same(
    free.map(({ data }) => data?.seq),
    numbers(2, 11),
  );
  t.ok(isBlocked, 'ten others were sent meanwhile');
  const answer = await blocked;
  t.match(answer, { error: { code: 'DATABASE_UNAVAILABLE' }, client_msg_id: String });
  t.ok(Date.now() - startedAt < LATE_MS);
  await held.release();
  t.match((await one.a.post(one.conversation, 'free', one.key)).data, { seq: 2 });
});

t.test('no fan-out is owed in the end', async (t) => {
  const owed = async () => (await system.sql('select from outbox')).length;
  await until('the outbox is empty', async () => (await owed()) === 0, OWED_MS);
  t.equal(await owed(), 0);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
