import t from 'tap';
import { backoffMs } from './backoff.ts';

t.test('the delay is anything up to a bound that doubles from 0.5 s to 20 s', async (t) => {
  t.same(
    [0, 1, 2, 5, 6, 100, 5_000].map((attempts) => backoffMs(attempts, 1)),
    [500, 1_000, 2_000, 16_000, 20_000, 20_000, 20_000],
  );
  t.equal(backoffMs(3, 0), 0);
  t.equal(backoffMs(0, 0.5), 250, 'the first attempt waits too');
});
