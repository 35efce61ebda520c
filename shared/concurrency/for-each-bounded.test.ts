import t from 'tap';
import { forEachBounded } from './for-each-bounded.ts';

t.test('the task runs for every item, never for more than three at once', async (t) => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  await forEachBounded([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(item);
    running -= 1;
  });
  t.equal(most, 3);
  t.equal(seen.length, 7);
});
