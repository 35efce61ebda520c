import t from 'tap';
import { HeldBytes } from './held-bytes.ts';

t.test('bytes count for what their list waits for, until they are taken', async (t) => {
  const bytes = new HeldBytes<string, string>();
  const sums = (): number[] => [bytes.sum('names'), bytes.sum('reader'), bytes.all];
  bytes.add('a', 'ann', 10);
  bytes.add('b', 'bob', 3);
  t.same(sums(), [13, 0, 13]);
  bytes.turnTo('a', 'reader');
  bytes.add('a', 'ann', 5);
  t.same(sums(), [3, 15, 18]);
  t.same([bytes.waitsFor('a'), bytes.waitsFor('b')], ['reader', 'names']);
  bytes.take('a', 10);
  bytes.turnTo('a', 'names');
  t.same(sums(), [8, 0, 8]);
  bytes.drop('a');
  t.same(sums(), [3, 0, 3]);
});

t.test('a list that was dropped counts no more, whatever becomes of it', async (t) => {
  const bytes = new HeldBytes<string, string>();
  bytes.add('a', 'ann', 10);
  bytes.drop('a');
  bytes.turnTo('a', 'reader');
  bytes.take('a', 10);
  bytes.drop('a');
  t.same([bytes.all, bytes.waitsFor('a')], [0, undefined]);
});

t.test('the owner of the longest list that waits for a reader is found, and dropped', async (t) => {
  const bytes = new HeldBytes<string, string>();
  for (const [list, size] of [
    ['a', 5],
    ['b', 9],
    ['c', 7],
  ] as const) {
    bytes.add(list, `owner of ${list}`, size);
    if (list !== 'b') bytes.turnTo(list, 'reader');
  }
  t.equal(bytes.dropLongest(), 'owner of c');
  t.equal(bytes.dropLongest(), 'owner of a');
  t.equal(bytes.dropLongest(), undefined, 'the other one waits for names');
  t.equal(bytes.all, 9);
});
