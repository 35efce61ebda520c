import t from 'tap';
import { DueTimes } from './due-times.ts';

t.test('keys come in the order of their times, and none comes early', async (t) => {
  const times = new DueTimes<string>();
  times.set('late', 10_000);
  times.set('early', 100);
  times.set('exact', 150);
  t.same(times.take(99), []);
  t.same(times.take(149), ['early']);
  t.same(times.take(150), ['exact']);
  t.same(times.take(9_999), []);
  t.same(times.take(1_000_000), ['late']);
  t.equal(times.size, 0);
});

t.test('a key has the time that was set last', async (t) => {
  const times = new DueTimes<string>();
  times.set('one', 1_000);
  times.set('two', 1_000);
  times.set('one', 5_000);
  times.delete('two');
  t.same(times.take(4_000), []);
  times.set('one', 2_000);
  t.same(times.take(4_000), ['one'], 'a time that has passed comes next');
});
