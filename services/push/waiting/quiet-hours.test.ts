import t from 'tap';
import { isQuiet } from './quiet-hours.ts';

const BERLIN = 'Europe/Berlin';
const at = (iso: string): number => Date.parse(iso);

/** Returns those of the times, in UTC, at which the hours are quiet. */
function quietAt(hours: [string, string], times: readonly string[], time_zone = BERLIN): string[] {
  const [from, to] = hours;
  return times.filter((time) => isQuiet({ time_zone, from, to }, at(time)));
}

t.test('hours begin and end by the clock of their zone, to the millisecond', async (t) => {
  const times = [
    ...['2026-11-30T20:59:59.999Z', '2026-11-30T21:00:00.000Z', '2026-12-01T05:59:59.999Z'],
    '2026-12-01T06:00:00.000Z',
  ];
  t.same(quietAt(['22:00', '07:00'], times), times.slice(1, 3), 'over midnight');
  t.same(quietAt(['21:59', '22:00'], times), times.slice(0, 1), 'within a day');
});

t.test('hours that end at 24:00 end with the day', async (t) => {
  const times = ['2026-11-30T18:14:59.999Z', '2026-11-30T18:15:00.000Z'];
  t.same(quietAt(['20:00', '24:00'], times, 'Asia/Kathmandu'), times.slice(0, 1));
});

t.test('a clock that is put forward skips what lies in the hour, and nothing else', async (t) => {
  // At 01:00 UTC, the clock goes from 02:00 to 03:00.
  const times = [
    '2026-03-29T00:59:59.999Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-29T01:30:00.000Z',
  ];
  t.same(quietAt(['02:00', '03:00'], times), [], 'hours that the clock skips are none');
  t.same(quietAt(['02:30', '03:30'], times), times.slice(1, 2), 'what is left of them');
  t.same(quietAt(['22:00', '02:30'], times), times.slice(0, 1), 'they end at the switch');
});

t.test('a clock that is put back shows an hour twice, and it is quiet twice', async (t) => {
  // At 01:00 UTC, the clock goes from 03:00 to 02:00.
  const times = [
    ...['2026-10-24T23:59:59.999Z', '2026-10-25T00:30:00.000Z', '2026-10-25T01:15:00.000Z'],
    ...['2026-10-25T01:45:00.000Z', '2026-10-25T02:00:00.000Z'],
  ];
  t.same(quietAt(['02:00', '03:00'], times), times.slice(1, 4));
  t.same(quietAt(['02:30', '03:00'], times), [times[1], times[3]]);
});

t.test('a zone that is not known has no hours', async (t) => {
  t.same(quietAt(['00:00', '24:00'], ['2026-11-30T12:00:00Z'], 'Mars/Olympus'), []);
});
