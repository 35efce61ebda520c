import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { KnownPositions } from './known-positions.ts';

const [alice, bina] = [newId<UserId>(), newId<UserId>()];
const stored = (id: ConversationId, version: number, delivered = 3) => ({
  conversation_id: id,
  version,
  positions: [alice, bina].map((userId): [UserId, number] => [userId, delivered]),
});

t.test('loaded positions hold for 5 s, and longer if store confirms their version', (t) => {
  const known = new KnownPositions();
  const id = newId<ConversationId>();
  t.equal(known.fresh(id, 0), undefined);
  known.learn(stored(id, 1), 1_000);
  t.match(known.fresh(id, 6_000)?.get(alice), { delivered: 0, read: 0, storedDelivered: 3 });
  t.equal(known.fresh(id, 6_001), undefined);
  known.noteVersion(id, 1, 7_000);
  t.ok(known.fresh(id, 12_000));
  t.end();
});

t.test('a newer version voids positions, and an older answer is not learnt', (t) => {
  const known = new KnownPositions();
  const id = newId<ConversationId>();
  known.learn(stored(id, 1), 1_000);
  known.noteVersion(id, 2, 1_100);
  t.equal(known.fresh(id, 1_100), undefined);
  known.learn(stored(id, 1), 1_050);
  t.equal(known.fresh(id, 1_100), undefined);
  known.noteVersion(id, 1, 1_200);
  known.learn(stored(id, 2), 1_150);
  t.ok(known.fresh(id, 1_200));
  const unseen = newId<ConversationId>();
  known.noteVersion(unseen, 5, 1_000);
  known.learn(stored(unseen, 4), 1_000);
  t.equal(known.fresh(unseen, 1_000), undefined, 'the same holds if it was never loaded');
  t.end();
});

t.test('positions that were told are not forgotten when they are loaded again', (t) => {
  const known = new KnownPositions();
  const id = newId<ConversationId>();
  known.learn(stored(id, 1), 0);
  const own = known.fresh(id, 0)?.get(alice);
  t.ok(own);
  Object.assign(own as object, { delivered: 9, read: 8 });
  known.learn(stored(id, 1, 5), 10);
  t.same(known.fresh(id, 10)?.get(alice), { delivered: 9, read: 8, storedDelivered: 5 });
  t.end();
});

t.test('beyond 50 000 conversations the one loaded longest ago makes room', (t) => {
  const known = new KnownPositions();
  const first = newId<ConversationId>();
  known.learn(stored(first, 1), 0);
  for (let count = 1; count <= 50_000; count += 1) known.noteVersion(newId<ConversationId>(), 1, 0);
  t.equal(known.size, 50_000);
  t.equal(known.fresh(first, 0), undefined);
  t.end();
});
