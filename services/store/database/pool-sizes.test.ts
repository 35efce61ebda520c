import t from 'tap';
import { POOL_MAX_MIN, splitPool } from './pool-sizes.ts';

t.test('the pools have as many connections as the setting says, whatever it says', async (t) => {
  for (let poolMax = POOL_MAX_MIN; poolMax <= 200; poolMax += 1) {
    const sizes = splitPool(poolMax);
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    t.equal(total, poolMax);
    t.ok(sizes.queries >= 2 && sizes.appends >= 2);
    t.ok(sizes.businessSends >= 2 && sizes.positions >= 1);
  }
});

t.test('queries get what the lanes leave', async (t) => {
  t.same(splitPool(8), { queries: 3, appends: 2, businessSends: 2, positions: 1 });
  t.same(splitPool(16), { queries: 7, appends: 4, businessSends: 3, positions: 2 });
  t.same(splitPool(40), { queries: 29, appends: 5, businessSends: 4, positions: 2 });
});
