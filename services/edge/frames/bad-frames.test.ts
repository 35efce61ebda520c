import t from 'tap';
import { isOneTooMany } from './bad-frames.ts';

t.test('the eleventh bad frame within any minute is one too many', async (t) => {
  const times: number[] = [];
  for (let n = 0; n < 10; n += 1) t.notOk(isOneTooMany(times, n * 1_000));
  t.notOk(isOneTooMany([...times], 60_000), 'the first is a minute ago');
  t.ok(isOneTooMany([...times], 59_999));
  t.notOk(isOneTooMany(times, 60_500));
  t.ok(isOneTooMany(times, 60_600), 'counted from the second on');
  t.equal(times.length, 10);
});
