import t from 'tap';
import { ClosingSockets } from './closing-sockets.ts';

t.test('a closed socket counts for 20 to 40 s', async (t) => {
  const closing = new ClosingSockets();
  closing.add(0);
  t.equal(closing.count(19_999), 1);
  closing.add(21_000);
  t.equal(closing.count(21_000), 2, 'the first one may have waited for its client until now');
  t.equal(closing.count(41_000), 1);
  t.equal(closing.count(200_000), 0);
});

t.test('a measurement lowers the estimate, every 5 s at most', async (t) => {
  const closing = new ClosingSockets();
  for (let n = 0; n < 100; n += 1) closing.add(0);
  closing.correct(10, () => 7);
  t.equal(closing.count(10), 7);
  closing.add(11);
  closing.correct(4_900, () => 0);
  t.equal(closing.count(4_900), 8, 'too soon');
  closing.correct(5_100, () => 500);
  t.equal(closing.count(5_100), 8, 'other files are none of these sockets');
  closing.correct(10_200, () => -3);
  t.equal(closing.count(10_200), 0);
});
