import pg from 'pg';
import t from 'tap';
import { newId } from '../shared/ids.ts';
import type { Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { until } from './stage/until.ts';

/** Deaths at the worst moment, to the point: each is brought about by a lock that a test holds. */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });
const LATE_MS = 10_000;
/**
 * A fan-out that is owed is looked for 5 s after the commit, every 2-3 s; one that was begun and
 * not finished, 30 s after.
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

/** A connection that holds a lock until `release`. */
async function hold(statement: string, values: unknown[]) {
  const client = new pg.Client({ connectionString: system.stack.urls.database });
  await client.connect();
  await client.query('begin');
  await client.query(statement, values);
  return { release: () => client.end() };
}

const holdConversation = (id: string) =>
  hold('select from conversations where conversation_id = $1 for update', [id]);

/** Whoever commits a message waits for the one who holds the lock, and nobody else. */
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

/** Connections of stores that wait for a lock. */
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
  // Its connection is gone with it, so that Postgres drops what waited.
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
  t.equal(answer.type, 'error', 'it could not be known');
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

t.test('a repeat finishes a fan-out that was not, without waiting for the repair', async (t) => {
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

t.test('the only router dies after the commit: who was away gets it all the same', async (t) => {
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

t.test('NATS is gone between commit and fan-out: who was away gets it all the same', async (t) => {
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
  // A server that was killed may have forgotten acknowledgements: what was had may come again.
  t.match(await back.next(isKept, OWED_MS), { seq: 2 });
  t.match(await a.next(isKept, OWED_MS), { seq: 2 });
  t.match((await a.post(conversation, 'x', key)).data, { seq: 2, duplicate: true });
});

t.test('a conversation that is locked for long delays no other', async (t) => {
  const one = await scene();
  const two = await scene();
  const held = await holdConversation(one.conversation);
  const startedAt = Date.now();
  const blocked = one.a.post(one.conversation, 'blocked', one.key);
  for (const n of numbers(1, 10)) {
    t.match((await two.a.post(two.conversation, `${n}`)).data, { seq: n + 1 });
  }
  const freeMs = Date.now() - startedAt;
  const answer = await blocked;
  t.match(answer, { error: { code: 'DATABASE_UNAVAILABLE' }, client_msg_id: String });
  t.ok(freeMs < 1_500, `${freeMs} ms for ten others`);
  t.ok(Date.now() - startedAt < LATE_MS);
  await held.release();
  t.match((await one.a.post(one.conversation, 'free', one.key)).data, { seq: 2 });
});

t.test('nothing is owed in the end', async (t) => {
  const owed = async () => (await system.sql('select from outbox')).length;
  await until('the outbox is empty', async () => (await owed()) === 0, OWED_MS);
  t.equal(await owed(), 0);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
