import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { takeOne } from './rate-limit.ts';
import { UserLimits } from './user-limits.ts';

const NOW = 1_000_000;

t.test('a bucket gives its burst, then its rate, and says how long to wait', async (t) => {
  const rate = { perS: 10, burst: 20 };
  let fullAt = 0;
  const take = (nowMs: number): number | undefined => {
    const taken = takeOne(fullAt, rate, nowMs);
    if ('retryAfterMs' in taken) return taken.retryAfterMs;
    fullAt = taken.fullAt;
    return undefined;
  };
  for (let n = 0; n < 20; n += 1) t.equal(take(NOW), undefined);
  t.equal(take(NOW), 100);
  t.equal(take(NOW + 60), 40);
  t.equal(take(NOW + 100), undefined);
  t.equal(take(NOW + 100), 100);
  for (let n = 0; n < 20; n += 1) t.equal(take(NOW + 60_000), undefined, 'the bucket is full');
  t.equal(take(NOW + 60_000), 100);
});

t.test('each user has buckets of their own, one for each cost of requests', async (t) => {
  const limits = new UserLimits();
  const [ann, ben] = [newId<UserId>(), newId<UserId>()];
  const passed = (userId: UserId, cost: 'send' | 'other' | 'read' | 'free'): number => {
    let count = 0;
    while (limits.refuse(userId, cost, NOW) === undefined) count += 1;
    return count;
  };
  t.equal(passed(ann, 'send'), 20);
  t.equal(passed(ann, 'read'), 40);
  t.equal(passed(ann, 'free'), 1_100, 'ack and ping beyond their own rate count as others');
  t.equal(passed(ann, 'other'), 0);
  t.equal(passed(ben, 'other'), 100);
  t.match(limits.refuse(ann, 'send', NOW), { code: 'RATE_LIMITED', retryAfterS: 0.1 });
});

t.test('a user who was idle is forgotten, and one who was not keeps the buckets', async (t) => {
  const limits = new UserLimits();
  const [ann, ben] = [newId<UserId>(), newId<UserId>()];
  limits.refuse(ann, 'send', NOW);
  limits.refuse(ben, 'send', NOW + 1_900);
  limits.forgetIdle(NOW + 2_001);
  t.equal(limits.size, 1);
});
