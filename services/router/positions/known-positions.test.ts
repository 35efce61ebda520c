import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { KnownPositions } from './known-positions.ts';

const [alice, bina] = [newId<UserId>(), newId<UserId>()];
const stored = (id: ConversationId, version: number, delivered = 3) => ({
  conversation_id: id,
  version,
  positions: [alice, bina].map((userId): [UserId, number] => [userId, delivered]),
});

t.test('what was loaded holds for 5 s, and longer where store confirms it', (t) => {
  const known = new KnownPositions();
  const id = newId<ConversationId>();
  t.equal(known.fresh(id, 0), undefined);
  known.learn(stored(id, 1), 1_000);
  t.match(known.fresh(id, 6_000)?.get(alice), { delivered: 0, read: 0, storedDelivered: 3 });
  t.equal(known.fresh(id, 6_001), undefined);
  known.verify(id, 1, 7_000);
  t.ok(known.fresh(id, 12_000));
  t.end();
});

t.test('another version voids it, and an answer from before that is not learnt', (t) => {
  const known = new KnownPositions();
  const id = newId<ConversationId>();
  known.learn(stored(id, 1), 1_000);
  known.verify(id, 2, 1_100);
  t.equal(known.fresh(id, 1_100), undefined);
  known.learn(stored(id, 1), 1_050);
  t.equal(known.fresh(id, 1_100), undefined);
  known.verify(id, 1, 1_200);
  known.learn(stored(id, 2), 1_150);
  t.ok(known.fresh(id, 1_200));
  const unseen = newId<ConversationId>();
  known.verify(unseen, 5, 1_000);
  known.learn(stored(unseen, 4), 1_000);
  t.equal(known.fresh(unseen, 1_000), undefined, 'also where it was never loaded');
  t.end();
});

t.test('what was told is not forgotten when it is loaded again', (t) => {
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

t.test('of 50 000 conversations the longest ago loaded makes room', (t) => {
  const known = new KnownPositions();
  const first = newId<ConversationId>();
  known.learn(stored(first, 1), 0);
  for (let count = 1; count <= 50_000; count += 1) known.verify(newId<ConversationId>(), 1, 0);
  t.equal(known.size, 50_000);
  t.equal(known.fresh(first, 0), undefined);
  t.end();
});
