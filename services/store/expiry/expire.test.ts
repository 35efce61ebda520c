import t from 'tap';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import { expireAll, expireOnce, trustClock } from '../stage/expiry-stage.ts';
import { setFalseClock } from '../stage/false-clock.ts';
import { appendOk, createGroup, letter, openStore, setStage } from '../stage/store-stage.ts';
import { planExpiry } from './plan-expiry.ts';

const stage = await setStage(t);
const { store, sql, url } = stage;
const { operations } = store;
const setClock = await setFalseClock(sql);
/** A message is hidden after so many days, and gone for sure after so many more. */
const HIDDEN = 91;
const GONE = HIDDEN + 7 + 7;

const POLICY = { days: 90, graceDays: 7, pooling: 'session' as const };

async function goTo(day: number): Promise<void> {
  await setClock(day);
  await trustClock(sql, day);
}

async function count(table: string, id: ConversationId): Promise<number> {
  const where = 'where conversation_id = $1';
  const [row] = await sql<{ count: number }>(`select count(*) from ${table} ${where}`, [id]);
  return row?.count ?? 0;
}

/** A message is edited and liked, another one deleted, and a third stays as it is. */
async function makeTalk(store_ = store) {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store_, [ann, bob]);
  const sent = await appendOk(store_, id, [letter(ann), letter(ann), letter(ann)]);
  const targetOf = async (index: number) => {
    const named = { user_id: ann, message_id: sent[index]?.message_id as MessageId };
    return { ...named, place: await store_.operations['messages.locate'](named, 0) };
  };
  const first = await targetOf(0);
  await store_.operations['messages.edit']({ ...first, content: 'other words' }, 0);
  await store_.operations['messages.react']({ ...first, emoji: '👍' }, 0);
  await store_.operations['messages.delete'](await targetOf(1), 0);
  return { id, ann, bob, sent };
}

const drop = (store_ = store) => store_.operations['retention.drop']({ limit: 10 }, 0);
const names = async () => (await readPartitions(store.db)).map(({ name }) => name);

t.beforeEach(() => goTo(0));
t.afterEach(async () => {
  await sql('truncate messages, message_keys, message_revisions, reactions, expired_partitions');
});

t.test('what is hidden stays for its grace, and then goes with all that hangs on it', async (t) => {
  const { id, ann, bob } = await makeTalk();
  await goTo(HIDDEN + 7);
  const marked = await expireAll(store, HIDDEN + 7);
  t.equal(marked.messages, 0);
  t.equal(marked.marked.length, 1, 'the week has passed as a whole');
  t.equal(await count('messages', id), 3);
  await appendOk(store, id, [letter(bob)]);
  await goTo(GONE);
  const { partitions, ...rest } = await planExpiry(store.db, POLICY);
  const counts = { messages: 3, keys: 3, reactions: 1, revisions: 2 };
  t.match(partitions, [{ ...counts, isDropped: true }], 'the plan says what goes');
  t.match(rest, { revisions: 0, steps: 0 });
  t.match(await expireAll(store, GONE), counts);
  t.same(
    (await drop()).dropped,
    partitions.map(({ name }) => name),
  );
  t.match(await planExpiry(store.db, POLICY), { partitions: [] });
  t.equal(await count('messages', id), 1);
  t.equal(await count('message_keys', id), 1);
  t.equal(await count('message_deletions', id), 1, 'who deleted what stays known');
  const ask = { user_id: ann, conversation_id: id };
  const page = await operations['messages.history'](ask, 0);
  t.match(page, { first_seq: 4, has_more: false, messages: [{ seq: 4 }] });
  const { record } = await operations['conversations.get'](ask, 0);
  t.match(record, { first_seq: 4, last_seq: 4, unread: 1, last_message: { seq: 4 } });
  t.match(await expireAll(store, GONE), { messages: 0, marked: [] }, 'nothing is done twice');
  t.same(await drop(), { dropped: [], left: 0 });
});

t.test('a pass rests while what is left of it is shown again', async (t) => {
  const { id, ann } = await makeTalk();
  await goTo(GONE);
  t.match(await expireOnce(store, GONE, 1), { messages: 1, left: true });
  await goTo(HIDDEN - 7);
  t.match(await expireAll(store, HIDDEN - 7), { messages: 0 });
  t.equal(await count('message_keys', id), 2);
  const page = await operations['messages.history']({ user_id: ann, conversation_id: id }, 0);
  t.match(page, { first_seq: 2, messages: [{ seq: 2 }, { seq: 3 }] });
  await goTo(GONE);
  t.match(await expireAll(store, GONE), { messages: 2, keys: 2 });
});

t.test('a client id can be used again after its message is gone, and is kept then', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, bob]);
  const item = letter(ann);
  await appendOk(store, id, [item]);
  t.match(await appendOk(store, id, [item]), [{ duplicate: true, seq: 1 }]);
  await goTo(GONE);
  await expireAll(store, GONE);
  const [again] = await appendOk(store, id, [item]);
  t.match(again, { seq: 2, duplicate: undefined });
  await sql('update expired_partitions set cleared_until = null');
  t.match(await expireAll(store, GONE), { messages: 1, keys: 0 });
  t.match(await appendOk(store, id, [item]), [{ duplicate: true, seq: 2 }]);
});

t.test('several processes clear in small steps, and nothing is counted twice', async (t) => {
  const other = openStore(url);
  t.teardown(other.close);
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const ids = await Promise.all([1, 2, 3].map(() => createGroup(store, [ann, bob])));
  for (const id of ids)
    await appendOk(
      store,
      id,
      Array.from({ length: 7 }, () => letter(ann)),
    );
  await goTo(GONE);
  const both = await Promise.all([expireAll(store, GONE, 2), expireAll(other, GONE, 2)]);
  t.equal((both[0]?.messages ?? 0) + (both[1]?.messages ?? 0), 21);
  t.equal((both[0]?.keys ?? 0) + (both[1]?.keys ?? 0), 21);
  const [left] = await sql<{ count: number }>('select count(*) from message_keys');
  t.equal(left?.count, 0);
});

t.test('a step whose connection is cut is taken again, and ends as if it was not', async (t) => {
  const other = openStore(url);
  t.teardown(other.close);
  const { id } = await makeTalk(other);
  await goTo(GONE);
  for (let isLeft = true, cuts = 0; isLeft; cuts += 1) {
    const step = expireOnce(other, GONE, 1).then(
      ({ left }) => left,
      () => true,
    );
    const cut = sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'kaha-store'
        and state <> 'idle' and pid <> pg_backend_pid()`);
    if (cuts < 20) await cut;
    isLeft = await step;
  }
  t.equal(await count('message_keys', id), 0);
  const [row] = await sql('select first_seq from conversations where conversation_id = $1', [id]);
  t.equal(row?.first_seq, 4);
});

t.test('a conversation that somebody holds is cleared later, and holds nobody up', async (t) => {
  const { id } = await makeTalk();
  await goTo(GONE);
  await store.db.transaction().execute(async (tx) => {
    await tx
      .selectFrom('conversations')
      .selectAll()
      .where('conversation_id', '=', id)
      .forUpdate()
      .execute();
    for (let tries = 0; tries < 3; tries += 1) {
      t.match(await expireOnce(store, GONE), { messages: 0, left: true });
    }
    t.equal(await count('message_keys', id), 3);
  });
  t.match(await expireAll(store, GONE), { messages: 3, keys: 3 });
});

t.test('of a month, the weeks that are over go one by one', async (t) => {
  const { id, ann } = await makeTalk();
  for (const name of await names()) await sql(`drop table ${name}`);
  const [from, until] = [new Date(Date.now() - 86_400_000), new Date(Date.now() + 40 * 86_400_000)];
  const range = `from ('${from.toISOString()}') to ('${until.toISOString()}')`;
  await sql(`create table a_month partition of messages for values ${range}`);
  await appendOk(store, id, [letter(ann)]);
  await setClock(20);
  await appendOk(store, id, [letter(ann)]);
  await goTo(GONE);
  t.match(await expireAll(store, GONE), { messages: 1, marked: [] });
  t.equal(await count('messages', id), 1);
  await goTo(GONE + 20);
  t.match(await expireAll(store, GONE + 20), { messages: 1 });
  t.equal(await count('messages', id), 0);
  t.same(await drop(), { dropped: [], left: 0 }, 'the month is not over');
  await goTo(GONE + 60);
  t.match(await expireAll(store, GONE + 60), { messages: 0 });
  t.match(await drop(), { dropped: ['a_month'] });
});

t.test('nothing goes by a clock that was never looked at before, until a day later', async (t) => {
  const { id } = await makeTalk();
  await setClock(400);
  await sql('truncate expiry_clock');
  t.match(await expireOnce(store, 400), { held: 'the clock has jumped', messages: 0, marked: [] });
  await sql(`update expiry_clock set steady_since = steady_since - interval '1 day'`);
  t.match(await expireAll(store, 400), { messages: 3 });
  t.equal(await count('message_keys', id), 0);
});

t.test('a cleared partition stays while its messages may not go by clock and policy', async (t) => {
  const keeping = openStore(url, { retentionDays: 0 });
  const longer = openStore(url, { retentionDays: 91 + GONE });
  t.teardown(() => Promise.all([keeping.close(), longer.close()]));
  const { id, ann } = await makeTalk();
  await goTo(GONE);
  await expireAll(store, GONE);
  const before = await names();
  for (const other of [keeping, longer]) t.same(await drop(other), { dropped: [], left: 0 });
  await goTo(0);
  t.match(await appendOk(store, id, [letter(ann)]), [{ seq: 4 }]);
  t.same(await drop(), { dropped: [], left: 0 }, 'the clock was ahead');
  t.same(await names(), before);
  const ask = { user_id: ann, conversation_id: id };
  const { messages } = await operations['messages.history'](ask, 0);
  t.match(messages, [{ seq: 4 }]);
  await goTo(GONE);
  t.match(await drop(), { dropped: before.slice(0, 1), left: 0 });
});

t.test('nothing goes by a clock that has jumped, or that differs', async (t) => {
  const { id } = await makeTalk();
  t.match(await expireOnce(store, 0), { held: undefined });
  await setClock(400);
  t.match(await expireOnce(store, 400), { held: 'the clock has jumped', messages: 0, marked: [] });
  t.match(await expireOnce(store, 0), { held: 'the clocks differ', messages: 0, marked: [] });
  await setClock(0);
  await expireOnce(store, 0);
  await sql(`update expiry_clock set steady_since = steady_since - interval '1 day'`);
  t.match(await expireOnce(store, 0), { held: undefined, messages: 0 });
  t.equal(await count('messages', id), 3);
  t.same(await sql('select * from expired_partitions'), []);
});

t.test('a message of a clock that was years ahead goes as if it was sent now', async (t) => {
  const { id, ann } = await makeTalk();
  await setClock(4_000);
  const [ahead] = await appendOk(store, id, [letter(ann)]);
  await setClock(-200);
  t.match(await expireOnce(store, -200), { held: 'the clock has jumped' });
  await goTo(0);
  await expireAll(store, 0);
  const ask = { user_id: ann, conversation_id: id };
  const { messages } = await operations['messages.history'](ask, 0);
  t.match(messages, [{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4 }]);
  const times = messages.map(({ sent_at }) => Math.abs(Date.parse(sent_at) - Date.now()));
  t.ok(times.every((ms) => ms < 60_000));
  t.match(await sql(`select from message_keys where sent_at > now() + interval '1 day'`), []);
  const named = { user_id: ann, message_id: ahead?.message_id as MessageId };
  const place = await operations['messages.locate'](named, 0);
  await operations['messages.react']({ ...named, place, emoji: '👍' }, 0);
  t.match(await appendOk(store, id, [letter(ann)]), [{ seq: 5 }]);
  await goTo(GONE);
  t.match(await expireAll(store, GONE), { messages: 5 });
});

t.test('messages that are kept for ever stay, and replaced texts go still', async (t) => {
  const keeping = openStore(url, { retentionDays: 0 });
  t.teardown(keeping.close);
  const { id } = await makeTalk();
  await goTo(10 * GONE);
  t.match(await expireAll(keeping, 10 * GONE), { messages: 0, marked: [] });
  t.equal(await count('messages', id), 3);
  t.match(await keeping.operations['revisions.prune']({ limit: 100 }, 0), { deleted: 2 });
  t.match(await keeping.operations['steps.prune']({ limit: 100 }, 0), { deleted: 0 });
});

t.test('texts that people replaced or deleted go after the grace', async (t) => {
  const { id } = await makeTalk();
  await goTo(6);
  t.match(await operations['revisions.prune']({ limit: 100 }, 0), { deleted: 0 });
  await goTo(8);
  t.match(await planExpiry(store.db, POLICY), { partitions: [], revisions: 2 });
  t.match(await operations['revisions.prune']({ limit: 1 }, 0), { deleted: 1 });
  t.match(await operations['revisions.prune']({ limit: 100 }, 0), { deleted: 1 });
  t.equal(await count('message_deletions', id), 1);
});

t.test('steps of businesses go with the messages, but for the newest of each', async (t) => {
  const business = newId<string>();
  const step = (version: number, day: number) =>
    sql(
      `insert into business_steps (business_id, version, conversation_id, at, step, reason)
        values ($1, $2, $1, now() + make_interval(days => $3), 'assigned', 'auto')`,
      [business, version, day],
    );
  for (const version of [1, 2, 3]) await step(version, 0);
  await goTo(103);
  t.match(await planExpiry(store.db, POLICY), { steps: 0 }, 'their messages may be there still');
  t.match(await operations['steps.prune']({ limit: 100 }, 0), { deleted: 0 });
  await goTo(105);
  const prune = () => operations['steps.prune']({ limit: 100 }, 0);
  t.match(await planExpiry(store.db, POLICY), { steps: 2 });
  t.match(await prune(), { deleted: 2 });
  await step(4, 105);
  t.match(await prune(), { deleted: 1 });
  const left = await sql('select version from business_steps where business_id = $1', [business]);
  t.match(left, [{ version: 4 }]);
});
