import t from 'tap';
import { isSoak } from '../../dev/testing/test-servers.ts';
import { zoneClock } from './zone-clock.ts';

const HOUR_MS = 3_600_000;
const wall = (text: string) => Date.parse(`${text}:00Z`);

t.test('a wall time that is shown once has one instant', async (t) => {
  const ms = Date.parse('2026-03-29T00:59:00Z');
  t.same(zoneClock('Europe/Berlin').instants(wall('2026-03-29T01:59')), {
    firstMs: ms,
    lastMs: ms,
  });
});

t.test('a wall time that is skipped has the switch as its instant', async (t) => {
  const ms = Date.parse('2026-03-29T01:00:00Z');
  for (const time of ['02:00', '02:01', '02:59', '03:00']) {
    const found = zoneClock('Europe/Berlin').instants(wall(`2026-03-29T${time}`));
    t.same(found, { firstMs: ms, lastMs: ms }, time);
  }
});

t.test(
  'a wall time that is shown twice has both instants, but for the first of them',
  async (t) => {
    const clock = zoneClock('Europe/Berlin');
    const first = Date.parse('2026-10-25T00:00:00Z');
    t.same(clock.instants(wall('2026-10-25T02:00')), { firstMs: first, lastMs: first });
    t.same(clock.instants(wall('2026-10-25T02:30')), {
      firstMs: first + HOUR_MS / 2,
      lastMs: first + 1.5 * HOUR_MS,
    });
    const after = first + 2 * HOUR_MS;
    t.same(clock.instants(wall('2026-10-25T03:00')), { firstMs: after, lastMs: after });
  },
);

t.test('wall times keep milliseconds, before 1970 too', async (t) => {
  const clock = zoneClock('Asia/Kathmandu');
  t.equal(clock.wallTime(-1), 5.5 * HOUR_MS - 1);
  t.equal(clock.wallTime(1_782_999_999_999), 1_782_999_999_999 + 5.75 * HOUR_MS);
});

t.test('more zones than are kept are still told right', async (t) => {
  const zones = Intl.supportedValuesOf('timeZone');
  t.ok(zones.length > 400);
  for (const zone of [...zones, ...zones]) zoneClock(zone).wallTime(0);
  t.equal(zoneClock('America/New_York').wallTime(0), -5 * HOUR_MS);
});

/** A soak looks at all zones, and a test at one of so many. */
const ZONES_STEP = isSoak ? 1 : 40;
const STEP_MS = 6 * HOUR_MS;

t.test('no zone has had two switches within 26 h, or an offset beyond the limits', async (t) => {
  const zones = Intl.supportedValuesOf('timeZone');
  const start = Math.floor(Math.random() * ZONES_STEP);
  for (let index = start; index < zones.length; index += ZONES_STEP) {
    const zone = zones[index] as string;
    const clock = zoneClock(zone);
    let offset = clock.wallTime(0);
    let switchedAt = Number.NEGATIVE_INFINITY;
    for (let at = STEP_MS; at < Date.UTC(2040, 0, 1); at += STEP_MS) {
      const next = clock.wallTime(at) - at;
      if (next === offset) continue;
      const isFine = at - switchedAt > 26 * HOUR_MS + STEP_MS && offset - next <= 12 * HOUR_MS;
      if (!isFine || next > 14 * HOUR_MS || next < -12 * HOUR_MS) {
        t.fail(`${zone} switches by ${next - offset} ms before ${new Date(at).toISOString()}`);
      }
      offset = next;
      switchedAt = at;
    }
  }
  t.pass(`one zone in ${ZONES_STEP}, from ${zones[start]} on`);
});
