import pg from 'pg';
import t, { type Test } from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import type { AppendItem } from '../../../shared/contracts/append.ts';
import type { PositionItem } from '../../../shared/contracts/positions.ts';
import type { ConversationId, EventId, MessageId, UserId } from '../../../shared/ids.ts';
import { newId } from '../../../shared/ids.ts';
import { applyPositions } from '../positions/apply-positions.ts';
import {
  append,
  appendOk,
  codeOf,
  createGroup,
  createTalk,
  letter,
  setStage,
} from '../stage/store-stage.ts';
import type { AppendRow } from './append-writer.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();

/** The connection holds a lock until `release` is called. */
async function lock(t: Test, statement: string, values: unknown[]) {
  const client = new pg.Client({ connectionString: stage.url });
  await client.connect();
  await client.query('begin');
  await client.query(statement, values);
  const release = async (): Promise<void> => {
    await client.query('rollback');
  };
  t.teardown(() => client.end());
  return { release };
}

t.test('one refused value among many sends fails alone', async (t) => {
  const talks = await Promise.all(Array.from({ length: 20 }, () => createTalk(store)));
  const poison = talks[7];
  const replies = await Promise.all(
    talks.map((talk) => {
      const bad: AppendItem = { ...letter(talk.alice), client_msg_id: 'not-a-uuid' };
      return append(
        store,
        talk.id,
        talk === poison ? [letter(talk.alice), bad] : [letter(talk.alice)],
      );
    }),
  );
  const codes = replies.flatMap(({ results }) => results.map(codeOf));
  t.same(
    codes.filter((code) => code !== undefined),
    ['INVALID_REQUEST'],
  );
  t.equal(codes.length, 21);
});

t.test('a locked conversation delays no other and is written once it is free', async (t) => {
  const [held, free] = await Promise.all([createTalk(store), createTalk(store)]);
  const { release } = await lock(
    t,
    'select 1 from conversations where conversation_id = $1 for update',
    [held.id],
  );
  let settled = false;
  const waiting = appendOk(store, held.id, [letter(held.alice)]).finally(() => {
    settled = true;
  });
  for (let round = 0; round < 20; round += 1) await appendOk(store, free.id, [letter(free.alice)]);
  t.notOk(settled, 'the send to the locked conversation still waits');
  await release();
  t.match(await waiting, [{ seq: 1 }]);
});

t.test('sends to a conversation that stays locked get a retryable error in time', async (t) => {
  const [held, free] = await Promise.all([createTalk(store), createTalk(store)]);
  await lock(t, 'select 1 from conversations where conversation_id = $1 for update', [held.id]);
  const watch = startStopwatch();
  const item = letter(held.alice);
  const { results } = await append(store, held.id, [item]);
  t.match(results, [{ ok: false, error: { code: 'DATABASE_UNAVAILABLE', retry_after: Number } }]);
  t.ok(watch.stop() < 1_500, 'the answer came within the deadline of store');
  await appendOk(store, free.id, [letter(free.alice)]);
});

t.test('a locked participant delays a batch for a moment and loses no message', async (t) => {
  const [held, free] = await Promise.all([createTalk(store), createTalk(store)]);
  await lock(t, 'select 1 from participants where user_id = $1 for update', [held.alice]);
  const [refused, fine] = await Promise.all([
    append(store, held.id, [letter(held.alice)]),
    append(store, free.id, [letter(free.alice)]),
  ]);
  t.same(refused.results.map(codeOf), ['DATABASE_UNAVAILABLE']);
  t.same(fine.results.map(codeOf), [undefined]);
});

t.test('two stores and positions on the same rows never deadlock', async (t) => {
  const users = Array.from({ length: 6 }, () => newId<UserId>());
  const ids = await Promise.all([1, 2, 3, 4].map(() => createGroup(store, users)));
  const appends = Array.from({ length: 60 }, (_, job) => {
    const items = [...users].reverse().map((user) => letter(user));
    return appendOk(job % 2 ? store : other, ids[job % 4] as ConversationId, items);
  });
  const raises = Array.from({ length: 40 }, (_, job) => {
    const items = ids.flatMap((id) =>
      users.map((user): PositionItem => [id, user, job % 2 ? 'read' : 'delivered', job + 1, 1]),
    );
    return applyPositions((job % 2 ? store : other).pool, items.reverse());
  });
  // `lock_timeout` is shorter than `deadlock_timeout`, so a deadlock would show as a refusal.
  await t.resolves(Promise.all([...appends, ...raises]));
});

t.test('a send whose connection is cut is tried again and written once', async (t) => {
  const { id, alice } = await createTalk(store);
  for (let round = 1; round <= 5; round += 1) {
    const sending = appendOk(store, id, [letter(alice)]);
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    t.match(await sending, [{ seq: round }]);
  }
  const [row] = await sql('select count(*) from messages where conversation_id = $1', [id]);
  t.match(row, { count: 5 });
});

t.test('a former participant is answered the repeat of a send, and nothing else', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const item = letter(bina);
  const [first] = await appendOk(store, id, [item]);
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  await store.operations['outbox.done']({ event_ids: [first?.event_id as EventId] }, 0);
  const { message_id, seq, sent_at } = first as NonNullable<typeof first>;
  const known = { message_id, seq, sent_at, duplicate: true, fanout_pending: false };
  for (const repeat of [item, { ...item, content: 'x', reply_to: newId<MessageId>() }]) {
    t.match(await appendOk(other, id, [repeat]), [known]);
  }
  const { client_msg_id } = item;
  const refused = [letter(bina), { ...letter(newId<UserId>()), client_msg_id }];
  const { results } = await append(store, id, refused);
  t.same(results.map(codeOf), Array(2).fill('NOT_A_PARTICIPANT'));
  t.match(await appendOk(store, id, [{ ...letter(alice), client_msg_id }]), [{ seq: 2 }]);
});

type Call = { id: ConversationId; user: UserId; key?: string; isWaiting?: boolean };

/** Calls the function as a store does that does not know of its last parameter. */
function callAsBefore({ id, user, key = newId<string>(), isWaiting = false }: Call, more = '') {
  return sql<AppendRow>(
    `select * from append_messages($1, 'k1', array[$2::uuid], array[$3::uuid], array[$4::uuid],
      array[gen_random_uuid()], array['text'::message_type], array[null::uuid],
      array[null::bigint], array[$5::bytea], array[null::bytea]${more})`,
    [isWaiting, id, user, key, Buffer.from('x')],
  );
}

const callInStep = (call: Call) => callAsBefore({ ...call, isWaiting: true }, ', true');

async function createBusinessTalk() {
  const { id, alice, bina } = await createTalk(store);
  await sql(
    `update conversations set type = 'business', direct_key = null, state = 'closed',
      business_id = gen_random_uuid(), customer_id = $2 where conversation_id = $1`,
    [id, alice],
  );
  return { id, alice, bina };
}

t.test('the call of a store of the version before means the same as ever', async (t) => {
  const { id, alice: user } = await createTalk(store);
  const key = newId<string>();
  t.match(await callAsBefore({ id, user, key }), [{ item: 1, status: 'ok', seq: 1 }]);
  t.match(await callAsBefore({ id, user, key, isWaiting: true }), [{ status: 'duplicate' }]);
  t.match(await callInStep({ id, user }), [{ status: 'ok', seq: 2 }]);
  const nowhere = { id: newId<ConversationId>(), user };
  t.match(await callAsBefore(nowhere), [{ status: 'no_conversation' }]);
  t.match(await callInStep(nowhere), [{ status: 'no_conversation' }]);
});

t.test('a message into a business conversation is written in a step alone', async (t) => {
  const { id, alice: user } = await createBusinessTalk();
  const key = newId<string>();
  for (const isWaiting of [false, true]) {
    t.match(await callAsBefore({ id, user, key, isWaiting }), [{ status: 'business', seq: null }]);
  }
  t.match(await callInStep({ id, user, key }), [{ status: 'ok', seq: 1 }]);
  t.match(
    await callAsBefore({ id, user, key }),
    [{ status: 'business' }],
    'nor is a repeat judged',
  );
  t.match(await callInStep({ id, user, key }), [{ status: 'duplicate', seq: 1 }]);
  const rows = await sql('select from messages where conversation_id = $1', [id]);
  t.equal(rows.length, 1);
});

t.test('outside of a step a business conversation is neither locked nor waited for', async (t) => {
  const { id, alice: user } = await createBusinessTalk();
  const held = await lock(t, 'select 1 from conversations where conversation_id = $1 for update', [
    id,
  ]);
  for (const isWaiting of [false, true]) {
    t.match(await callAsBefore({ id, user, isWaiting }), [{ status: 'business' }]);
  }
  await held.release();
  const call = `append_messages(false, 'k1', array[$1::uuid], array[$2::uuid],
    array[gen_random_uuid()], array[gen_random_uuid()], array['text'::message_type],
    array[null::uuid], array[null::bigint], array[null::bytea], array[null::bytea])`;
  await lock(t, `select * from ${call}`, [id, user]);
  t.match(await callInStep({ id, user }), [{ status: 'ok', seq: 1 }]);
});
