import t from 'tap';
import { highest, includes, type Ranges, withValue } from './ranges.ts';

const rangesOf = (values: readonly number[]): Ranges => values.reduce(withValue, [] as Ranges);

t.test('neighbours become one range, whatever order they come in', async (t) => {
  t.same(rangesOf([1, 2, 3]), [[1, 3]]);
  t.same(rangesOf([3, 1, 2]), [[1, 3]]);
  t.same(rangesOf([5, 1, 3]), [
    [1, 1],
    [3, 3],
    [5, 5],
  ]);
  t.same(rangesOf([5, 1, 3, 4]), [
    [1, 1],
    [3, 5],
  ]);
  t.same(rangesOf([2, 2, 1, 1, 2]), [[1, 2]]);
});

t.test('a range includes both of its ends and nothing else', async (t) => {
  const ranges = rangesOf([4, 5, 6, 9]);
  t.same(
    [3, 4, 6, 7, 8, 9, 10].map((value) => includes(ranges, value)),
    [false, true, true, false, false, true, false],
  );
  t.equal(highest(ranges), 9);
  t.equal(highest([]), undefined);
});
