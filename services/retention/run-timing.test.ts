import t from 'tap';
import { delayUntilNext, staleness } from './run-timing.ts';

const HOUR_MS = 3_600_000;

t.test(
  'the next run after a success comes after the interval, give or take ten percent',
  async (t) => {
    const wait = (random: number) => delayUntilNext({ intervalMs: 1_000, failures: 0, random });
    t.equal(wait(0), 900);
    t.equal(wait(0.5), 1_000);
    t.ok(wait(0.999) <= 1_100);
  },
);

t.test('failures back off up to a minute, or up to the interval if that is shorter', async (t) => {
  const wait = (failures: number, intervalMs = HOUR_MS) =>
    delayUntilNext({ intervalMs, failures, random: 1 });
  t.same(
    [1, 2, 3, 4].map((failures) => wait(failures)),
    [1_000, 2_000, 4_000, 8_000],
  );
  t.equal(wait(50), 60_000);
  t.equal(wait(50, 5_000), 5_000);
  t.equal(delayUntilNext({ intervalMs: HOUR_MS, failures: 1, random: 0 }), 500);
});

t.test('the runs are unhealthy after three intervals without a success', async (t) => {
  const after = (sinceMs: number) => staleness({ lastSuccessAt: 1_000, intervalMs: 10, sinceMs });
  t.match(staleness({ lastSuccessAt: undefined, intervalMs: 10, sinceMs: 0 }), /not .* yet/);
  t.equal(after(30), undefined);
  t.equal(after(31), 'partitions were last ensured at 1970-01-01T00:00:01.000Z');
});
