import pg from 'pg';
import t from 'tap';
import type { ReadInput } from '../../../shared/contracts/positions.ts';
import { KahaError, type WireError } from '../../../shared/errors.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import {
  appendOk,
  createGroup,
  createTalk,
  letter,
  type StoreParts,
  setStage,
} from '../stage/store-stage.ts';
import { applyPositions } from './apply-positions.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
const DEADLINE_MS = 2_000;

async function read(
  request: ReadInput,
  { operations }: StoreParts = store,
  deadlineMs = DEADLINE_MS,
) {
  const deadlineAt = steadyMs() + deadlineMs;
  const { results } = await operations['positions.read']({ reads: [request] }, deadlineAt);
  const [result] = results;
  if (result?.ok === true) return result;
  throw KahaError.fromWire(result?.error as WireError);
}

async function talkWith(count: number) {
  const talk = await createTalk(store);
  const letters = Array.from({ length: count }, () => letter(talk.alice));
  const sent = await appendOk(store, talk.id, letters);
  return { ...talk, sent, mine: { user_id: talk.bina, conversation_id: talk.id } };
}

function row(id: ConversationId, user: UserId) {
  return sql<{ delivered_seq: number; read_seq: number; read_at: string; delivered_at: string }>(
    `select delivered_seq, read_seq, read_at, delivered_at from participants
      where conversation_id = $1 and user_id = $2`,
    [id, user],
  ).then(([found]) => found);
}

t.test('a read raises both positions and answers how many messages are unread', async (t) => {
  const { id, bina, mine } = await talkWith(5);
  const reply = await read({ ...mine, seq: 3 });
  t.match(reply, { version: 1, last_read_seq: 3, unread: 2, raised: { delivered_seq: 3 } });
  const position = await row(id, bina);
  t.match(position, { delivered_seq: 3, read_seq: 3 });
  t.same(reply.raised?.read_at, position?.read_at);
  t.same(reply.raised?.delivered_at, position?.delivered_at);
  const above = await read({ ...mine, seq: Number.MAX_SAFE_INTEGER });
  t.match(above, { last_read_seq: 5, unread: 0 }, 'a seq above the last is the last');
});

t.test('an older read changes nothing and answers the position that stands', async (t) => {
  const { id, bina, mine } = await talkWith(9);
  await read({ ...mine, seq: 9 });
  const before = await row(id, bina);
  for (const seq of [5, 9, 0]) {
    const reply = await read({ ...mine, seq });
    t.same([reply.last_read_seq, reply.unread], [9, 0]);
  }
  t.same(await row(id, bina), before);
});

t.test('a raised position is reported again for 10 s, as an answer may be lost', async (t) => {
  const { id, alice, bina, mine } = await talkWith(5);
  const { raised } = await read({ ...mine, seq: 4 });
  t.match(raised, { delivered_seq: 4 });
  t.same((await read({ ...mine, seq: 4 })).raised, raised);
  t.same((await read({ ...mine, seq: 2 })).raised, raised);
  await sql(
    `update participants set read_at = read_at - interval '11 s'
      where conversation_id = $1 and user_id = $2`,
    [id, bina],
  );
  t.equal((await read({ ...mine, seq: 4 })).raised, undefined);
  const ownMessage = await read({ user_id: alice, conversation_id: id, seq: 5 });
  t.equal(ownMessage.raised, undefined, 'the position was raised by sending');
});

t.test('a read leaves a delivered position that is already higher as it is', async (t) => {
  const { id, bina, mine } = await talkWith(5);
  const at = '2026-11-21T10:00:00.000Z';
  await sql('update participants set delivered_seq = 4, delivered_at = $2 where user_id = $1', [
    bina,
    at,
  ]);
  t.match(await read({ ...mine, seq: 2 }), { raised: { delivered_seq: 4, delivered_at: at } });
  t.match(await row(id, bina), { delivered_seq: 4, delivered_at: at, read_seq: 2 });
});

t.test('a read can name a message by its id if the user can see the message', async (t) => {
  const { id, mine, sent } = await talkWith(4);
  const elsewhere = await talkWith(1);
  const idOf = (index: number) => sent[index]?.message_id as MessageId;
  t.match(await read({ ...mine, message_id: idOf(1) }), { last_read_seq: 2, unread: 2 });
  const missing = [newId<MessageId>(), elsewhere.sent[0]?.message_id as MessageId];
  for (const message_id of missing) {
    await t.rejects(read({ ...mine, message_id }), { code: 'MESSAGE_NOT_FOUND' });
  }
  const late = newId<UserId>();
  await sql(
    `insert into participants
      (conversation_id, user_id, role, joined_at, first_visible_seq, delivered_seq, read_seq)
      values ($1, $2, 'member', now(), 4, 3, 3)`,
    [id, late],
  );
  const theirs = { user_id: late, conversation_id: id };
  await t.rejects(read({ ...theirs, message_id: idOf(0) }), { code: 'MESSAGE_NOT_FOUND' });
  t.match(await row(id, late), { read_seq: 3 });
  t.match(await read({ ...theirs, message_id: idOf(3) }), { last_read_seq: 4, unread: 0 });
});

t.test('a user who never took part or has left raises nothing', async (t) => {
  const { id, bina, mine, sent } = await talkWith(3);
  const stranger = { ...mine, user_id: newId<UserId>() };
  const message_id = sent[0]?.message_id as MessageId;
  await t.rejects(read({ ...stranger, seq: 1 }), { code: 'NOT_A_PARTICIPANT' });
  await t.rejects(read({ ...stranger, message_id }), { code: 'NOT_A_PARTICIPANT' });
  const nowhere = { ...mine, conversation_id: newId<ConversationId>() };
  await t.rejects(read({ ...nowhere, seq: 1 }), { code: 'CONVERSATION_NOT_FOUND' });
  await t.rejects(read({ ...nowhere, message_id }), { code: 'CONVERSATION_NOT_FOUND' });
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  await t.rejects(read({ ...mine, seq: 3 }), { code: 'NOT_A_PARTICIPANT' });
  t.match(await row(id, bina), { delivered_seq: 0, read_seq: 0 });
});

t.test('a participant who muted and archived the conversation reads as others do', async (t) => {
  const { bina, mine } = await talkWith(3);
  const changes = 'is_muted = true, archived_at = now()';
  await sql(`update participants set ${changes} where user_id = $1`, [bina]);
  t.match(await read({ ...mine, seq: 2 }), { last_read_seq: 2, unread: 1 });
  const [left] = await sql('select archived_at from participants where user_id = $1', [bina]);
  t.ok(left?.archived_at, 'reading does not unarchive the conversation');
});

t.test('racing reads over two stores end at the highest seq with true answers', async (t) => {
  const { id, bina, mine } = await talkWith(40);
  const seqs = Array.from({ length: 200 }, (_, index) => ((index * 7) % 40) + 1);
  const replies = await Promise.all(
    seqs.map((seq, index) => read({ ...mine, seq }, index % 2 === 0 ? store : other)),
  );
  t.ok(replies.every(({ last_read_seq }, index) => last_read_seq >= (seqs[index] as number)));
  t.ok(replies.every(({ last_read_seq, unread }) => unread === 40 - last_read_seq));
  t.match(await row(id, bina), { read_seq: 40, delivered_seq: 40 });
});

t.test('a locked position delays nobody else and is raised once the lock is free', async (t) => {
  const [held, free] = [await talkWith(2), await talkWith(2)];
  const client = new pg.Client({ connectionString: stage.url });
  await client.connect();
  t.teardown(() => client.end());
  await client.query('begin');
  await client.query('select 1 from participants where user_id = $1 for update', [held.bina]);
  let isDone = false;
  const waiting = read({ ...held.mine, seq: 2 }).then((reply) => {
    isDone = true;
    return reply;
  });
  t.match(await read({ ...free.mine, seq: 2 }), { last_read_seq: 2 });
  t.notOk(isDone);
  await t.rejects(read({ ...held.mine, seq: 1 }, store, 50), { code: 'DATABASE_UNAVAILABLE' });
  await client.query('rollback');
  t.match(await waiting, { last_read_seq: 2, unread: 0 });
});

t.test('a participant who is removed while a read is under way is refused', async (t) => {
  const { bina, mine } = await talkWith(2);
  const client = new pg.Client({ connectionString: stage.url });
  await client.connect();
  t.teardown(() => client.end());
  await client.query('begin');
  await client.query('update participants set left_at = now() where user_id = $1', [bina]);
  const late = t.rejects(read({ ...mine, seq: 2 }), { code: 'NOT_A_PARTICIPANT' });
  await client.query('commit');
  await late;
});

t.test(
  'concurrent sends, reads and delivered positions neither deadlock nor lose a position',
  async (t) => {
    const users = Array.from({ length: 6 }, () => newId<UserId>());
    const ids = await Promise.all(Array.from({ length: 12 }, () => createGroup(store, users)));
    const stores = [store, other];
    const rounds = Array.from({ length: 15 }, (_, round) => round);
    for (const round of rounds) {
      const seq = round + 1;
      const pool = (stores[round % 2] as StoreParts).pool;
      await Promise.all([
        ...ids.flatMap((id, index) => {
          const sender = users[(round + index) % users.length] as UserId;
          return appendOk(stores[index % 2] as StoreParts, id, [letter(sender)]);
        }),
        ...ids.flatMap((conversation_id, index) =>
          users.map((user_id) =>
            read({ user_id, conversation_id, seq }, stores[(index + 1) % 2] as StoreParts),
          ),
        ),
        applyPositions(
          pool,
          ids
            .flatMap((id) => users.map((user) => [id, user, 'delivered', seq, 1] as const))
            .reverse()
            .map((item) => [...item]),
        ),
      ]);
    }
    const last = rounds.length;
    await Promise.all(
      ids.flatMap((conversation_id) =>
        users.map((user_id) => read({ user_id, conversation_id, seq: last })),
      ),
    );
    const rows = await sql<{ low: number; high: number; count: number }>(
      `select min(least(read_seq, delivered_seq)) as low, max(read_seq) as high, count(*)
      from participants where conversation_id = any($1::uuid[])`,
      [ids],
    );
    t.match(rows, [{ low: last, high: last, count: 72 }]);
  },
);

t.test('positions are listed for the users who take part now', async (t) => {
  const { id, alice, bina, mine } = await talkWith(3);
  await read({ ...mine, seq: 2 });
  const list = (ids: ConversationId[]) =>
    store.operations['positions.list']({ conversation_ids: ids }, 0);
  const positions = [
    [alice, 3],
    [bina, 2],
  ].sort();
  t.same(await list([id, newId<ConversationId>()]), {
    conversations: [{ conversation_id: id, version: 1, positions }],
  });
  await sql('update participants set left_at = now() where conversation_id = $1', [id]);
  t.same(await list([id]), { conversations: [{ conversation_id: id, version: 1, positions: [] }] });
});
