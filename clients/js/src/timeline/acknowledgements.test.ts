import t from 'tap';
import { newSession, withDone } from './acknowledgements.ts';

const afterAll = (qs: readonly number[], session = 1) =>
  qs.reduce((acks, q) => withDone(acks, { session, q }), newSession(1));

t.test('an event that is done waits for those before it', async (t) => {
  t.equal(afterAll([2, 3]).upToQ, 0);
  t.equal(afterAll([2, 3, 1]).upToQ, 3);
  t.same(afterAll([2, 3, 1]).above, new Set());
  t.equal(afterAll([1, 4, 2, 6]).upToQ, 2);
});

t.test('an event of another session is not acknowledged in this one', async (t) => {
  t.equal(afterAll([1, 2, 3], 0).upToQ, 0);
  t.equal(withDone(newSession(2), { session: 1, q: 1 }).upToQ, 0);
});

t.test('an event that is done twice counts once', async (t) => {
  t.equal(afterAll([1, 1, 3, 3]).upToQ, 1);
});
