import t from 'tap';
import { createRandom } from '../stage/random.ts';
import { coverage, missingSpans, type Span, WEEK_MS, weekOf } from './spans.ts';

const at = (time: string): number => Date.parse(time);
const span = (from: string, until: string): Span => ({ fromMs: at(from), untilMs: at(until) });
const days = ({ fromMs, untilMs }: Span): string[] =>
  [fromMs, untilMs].map((ms) => new Date(ms).toISOString().slice(0, 10));

t.test('weeks begin on Mondays in UTC, also over the end of a year', async (t) => {
  t.same(days(weekOf(at('2026-11-30T00:00:00Z'))), ['2026-11-30', '2026-12-07']);
  t.same(days(weekOf(at('2026-12-06T23:59:59.999Z'))), ['2026-11-30', '2026-12-07']);
  t.same(days(weekOf(at('2027-01-01T12:00:00Z'))), ['2026-12-28', '2027-01-04']);
  t.same(days(weekOf(at('1969-12-31T12:00:00Z'))), ['1969-12-29', '1970-01-05']);
});

t.test(
  'weeks follow the last month without a gap, and the first of them may be short',
  async (t) => {
    const months = [span('2026-11-01', '2026-12-01'), span('2026-12-01', '2027-01-01')];
    const missing = missingSpans(months, { nowMs: at('2026-11-30T10:00:00Z'), weeksAhead: 6 });
    t.same(missing.map(days), [
      ['2027-01-01', '2027-01-04'],
      ['2027-01-04', '2027-01-11'],
      ['2027-01-11', '2027-01-18'],
    ]);
  },
);

t.test('a hole between partitions is filled, and nothing else is made', async (t) => {
  const covered = [span('2026-11-30', '2026-12-02'), span('2026-12-04', '2027-06-01')];
  const wanted = { nowMs: at('2026-12-01'), weeksAhead: 4 };
  t.same(missingSpans(covered, wanted).map(days), [['2026-12-02', '2026-12-04']]);
  t.same(days({ fromMs: wanted.nowMs, ...coverage(covered, wanted.nowMs) }), [
    '2026-12-01',
    '2026-12-02',
  ]);
});

t.test('partitions far ahead, which a clock that jumped left, do not count as ahead', async (t) => {
  const covered = [span('2026-11-30', '2026-12-07'), span('2028-01-03', '2028-01-10')];
  t.match(coverage(covered, at('2026-12-01')), { untilMs: at('2026-12-07'), ahead: 0 });
  t.match(coverage([], at('2026-12-01')), { untilMs: at('2026-12-01'), ahead: 0 });
});

t.test('whatever is there, what is made covers each moment just once', async (t) => {
  for (let seed = 0; seed < 300; seed += 1) {
    const random = createRandom(seed);
    const covered: Span[] = [];
    let fromMs = at('2026-11-02');
    while (covered.length < 6) {
      fromMs += random(3) * 86_400_000;
      const untilMs = fromMs + (1 + random(40)) * 86_400_000;
      covered.push({ fromMs, untilMs });
      fromMs = untilMs;
    }
    const nowMs = at('2026-11-01') + random(100) * 86_400_000;
    const wanted = { nowMs, weeksAhead: random(12) };
    const missing = missingSpans(covered, wanted);
    const all = [...covered, ...missing].sort((one, other) => one.fromMs - other.fromMs);
    const overlaps = all.filter((one, index) => one.fromMs < (all[index - 1]?.untilMs ?? 0));
    t.same(overlaps, []);
    t.ok(coverage(all, nowMs).untilMs >= weekOf(nowMs + wanted.weeksAhead * WEEK_MS).untilMs);
    t.ok(missing.every((one) => one.untilMs - one.fromMs <= WEEK_MS));
  }
});
