import t from 'tap';
import type { PositionItem } from '../../../shared/contracts/positions.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { appendOk, createTalk, letter, setStage } from '../stage/store-stage.ts';
import { applyPositions } from './apply-positions.ts';
import { reducePositions } from './reduce-positions.ts';

const { store, sql } = await setStage(t);
const atMs = Date.parse('2025-11-21T10:00:00.000Z');
const DAY_MS = 24 * 3_600_000;

async function positionOf(userId: UserId) {
  const [row] = await sql<Record<string, unknown>>(
    'select delivered_seq, delivered_at, read_seq, read_at from participants where user_id = $1',
    [userId],
  );
  return row;
}

t.test('many items reduce to one maximum per user and conversation', (t) => {
  const [id, user] = [newId<ConversationId>(), newId<UserId>()];
  const positions = reducePositions([
    [id, user, 'delivered', 3, 30],
    [id, user, 'read', 2, 20],
    [id, user, 'delivered', 1, 10],
    [id, newId<UserId>(), 'read', 4, 40],
  ]);
  t.equal(positions.length, 2);
  t.match(positions[0], { delivered_seq: 3, delivered_at_ms: 30, read_seq: 2, read_at_ms: 20 });
  t.match(positions[1], { delivered_seq: 4, read_seq: 4 }, 'a read message counts as delivered');
  t.end();
});

t.test('malformed items are dropped and the others count', (t) => {
  const [id, user] = [newId<ConversationId>(), newId<UserId>()];
  const bad = [
    null,
    [],
    ['x', user, 'read', 1, 1],
    [id, 'x', 'read', 1, 1],
    [id, user, 'seen', 1, 1],
    [id, user, 'read', 0, 1],
    [id, user, 'read', 1.5, 1],
    [id, user, 'read', 1, Number.NaN],
    [id, user, 'read', 1, 9e15],
  ] as unknown as PositionItem[];
  t.equal(reducePositions([...bad, [id, user, 'read', 1, 1]]).length, 1);
  t.end();
});

t.test('positions rise, never fall, and never pass the last message', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(
    store,
    id,
    Array.from({ length: 5 }, () => letter(alice)),
  );
  await applyPositions(store.pool, [[id, bina, 'delivered', 3, atMs]]);
  const time = '2025-11-21T10:00:00.000Z';
  t.same(await positionOf(bina), {
    delivered_seq: 3,
    delivered_at: time,
    read_seq: 0,
    read_at: null,
  });
  await applyPositions(store.pool, [[id, bina, 'delivered', 2, atMs + 1000]]);
  t.match(await positionOf(bina), { delivered_seq: 3, delivered_at: time });
  await applyPositions(store.pool, [[id, bina, 'read', 900, atMs + 2000]]);
  const later = '2025-11-21T10:00:02.000Z';
  t.same(await positionOf(bina), {
    delivered_seq: 5,
    delivered_at: later,
    read_seq: 5,
    read_at: later,
  });
});

t.test('a clock that is ahead makes no time after that of Postgres', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice), letter(alice)]);
  const aheadMs = Date.now() + 20 * DAY_MS;
  await applyPositions(store.pool, [
    [id, bina, 'delivered', 2, aheadMs],
    [id, bina, 'read', 1, aheadMs],
  ]);
  const [row] = await sql<Record<string, unknown>>(
    `select delivered_seq, read_seq, clock_timestamp() - delivered_at between '0 s' and '1 min'
      as is_delivered_now, read_at = delivered_at as is_same
    from participants where user_id = $1`,
    [bina],
  );
  t.same(row, { delivered_seq: 2, read_seq: 1, is_delivered_now: true, is_same: true });
});

t.test('strangers and unknown conversations change nothing', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice)]);
  await applyPositions(store.pool, [
    [id, newId<UserId>(), 'read', 1, atMs],
    [newId<ConversationId>(), alice, 'read', 1, atMs],
  ]);
  t.match(await positionOf(alice), { read_seq: 1 });
  t.match(await sql('select count(*) from participants where conversation_id = $1', [id]), [
    { count: 2 },
  ]);
});
