import t from 'tap';
import { SendRate } from './send-rate.ts';

const waits = (rate: SendRate, count: number, nowMs = 0): number[] =>
  Array.from({ length: count }, () => rate.take(nowMs));

t.test('a quarter of a second may be used at once, and the rest is spaced', async (t) => {
  const rate = new SendRate({ perSecondMax: 100 });
  const taken = waits(rate, 125);
  t.equal(taken.filter((wait) => wait === 0).length, 26);
  t.equal(taken.at(-1), 990);
});

t.test('a host that wants less gets half, once a second, and later all again', async (t) => {
  const rate = new SendRate({ perSecondMax: 100 });
  for (let answer = 0; answer < 50; answer += 1) rate.slowDown(0);
  t.equal(rate.perSecond, 50);
  rate.slowDown(1_000);
  t.equal(rate.perSecond, 27.5);
  rate.take(16_000);
  t.equal(rate.perSecond, 100);
});

t.test('the rate never ends', async (t) => {
  const rate = new SendRate({ perSecondMax: 2 });
  for (let second = 0; second < 100; second += 1) rate.slowDown(second * 1_000);
  t.ok(rate.perSecond >= 1);
});
