import t from 'tap';
import { clockTime, dayLabel, relativeTime } from './times.ts';

/** All times are of the zone in which the tests run. */
const at = (...parts: [number, number, number, number?, number?]) => new Date(...parts);
const now = at(2026, 2, 18, 14, 5);

t.test('a day is called by its distance, its name or its date', async (t) => {
  const days: [Date, string][] = [
    [at(2026, 2, 18, 0, 0), 'Today'],
    [at(2026, 2, 17, 23, 59), 'Yesterday'],
    [at(2026, 2, 16, 12), 'Monday'],
    [at(2026, 2, 12, 12), 'Thursday'],
    [at(2026, 2, 11, 12), 'March 11'],
    [at(2025, 11, 31, 12), 'December 31, 2025'],
    [at(2026, 2, 19, 0, 1), 'March 19'],
  ];
  for (const [date, label] of days) t.equal(dayLabel(date.toISOString(), now), label);
});

t.test('a list says shortly how long ago something was', async (t) => {
  const times: [Date, string][] = [
    [at(2026, 2, 18, 14, 5), 'now'],
    [at(2026, 2, 18, 14, 9), 'now'],
    [at(2026, 2, 18, 14, 4), '1 min'],
    [at(2026, 2, 18, 13, 6), '59 min'],
    [at(2026, 2, 18, 13, 5), clockTime(at(2026, 2, 18, 13, 5).toISOString())],
    [at(2026, 2, 17, 23, 59), 'Yesterday'],
    [at(2026, 2, 13, 12), 'Fri'],
    [at(2026, 2, 11, 12), 'Mar 11'],
    [at(2025, 2, 11, 12), '3/11/25'],
  ];
  for (const [date, text] of times) t.equal(relativeTime(date.toISOString(), now), text);
});
