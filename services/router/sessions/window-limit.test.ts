import t from 'tap';
import { WindowLimit } from './window-limit.ts';

t.test('a key is admitted so many times within any window, and not more', async (t) => {
  const limit = new WindowLimit({ max: 3, windowMs: 60_000, keysMax: 10 });
  t.ok(limit.admit('a', 0));
  t.ok(limit.admit('a', 40_000));
  t.ok(limit.admit('a', 50_000));
  t.notOk(limit.admit('a', 59_999));
  t.ok(limit.admit('b', 59_999), 'another key has its own times');
  t.ok(limit.admit('a', 60_000), 'the first time is a minute ago');
  t.notOk(limit.admit('a', 99_999), 'what was refused has not moved the window');
  t.ok(limit.admit('a', 100_000));
});

t.test('of more keys than it may remember, the limit forgets the oldest', async (t) => {
  const limit = new WindowLimit({ max: 1, windowMs: 60_000, keysMax: 2 });
  for (const key of ['a', 'b', 'c']) t.ok(limit.admit(key, 0));
  t.notOk(limit.admit('c', 1));
  t.ok(limit.admit('a', 1));
});
