import type { OpeningHours } from '../opening-spans.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** `Date` and the settings name weekdays in different letters. */
const NAMES = {
  Mon: 'mon',
  Tue: 'tue',
  Wed: 'wed',
  Thu: 'thu',
  Fri: 'fri',
  Sat: 'sat',
  Sun: 'sun',
} as const;

/**
 * Computes for each minute of some days whether a business is open. It does so in another way than
 * production: it reads the zone's clock at each minute, as text such as `2026-03-29 03:00`, and
 * finds in these texts the first one that is not before the start of an interval, and the last one
 * that is before its end. It knows nothing of switches or offsets.
 *
 * The first two and the last two days are not told right, because intervals of dates that lie only
 * in part within the time are left out.
 */
export function openMinutes(settings: OpeningHours, fromMs: number, days: number): boolean[] {
  const texts = clockTexts(settings.time_zone, fromMs, days * DAY_MINUTES);
  const open = texts.map(() => false);
  const [first = '', last = ''] = [texts[0]?.slice(0, 10), texts.at(-1)?.slice(0, 10)];
  // Clocks may skip a whole date, and an interval of that date may run past its midnight.
  for (let date = dayAfter(first); date < last; date = dayAfter(date)) {
    for (const [start, end] of intervalsOf(settings, date)) {
      const endDate = end < start || end === '24:00' ? dayAfter(date) : date;
      const endText = `${endDate} ${end === '24:00' ? '00:00' : end}`;
      const from = texts.findIndex((text) => text >= `${date} ${start}`);
      const to = texts.findLastIndex((text) => text < endText);
      if (from !== -1 && from <= to) open.fill(true, from, to + 1);
    }
  }
  return open;
}

function clockTexts(timeZone: string, fromMs: number, minutes: number): string[] {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  return Array.from({ length: minutes }, (_, index) => clock.format(fromMs + index * MINUTE_MS));
}

function intervalsOf({ hours, exceptions }: OpeningHours, date: string) {
  const exception = exceptions?.find((other) => other.date === date);
  if (exception !== undefined) return exception.intervals;
  if (hours === undefined) return [['00:00', '24:00']] as const;
  const name = new Date(`${date}T12:00:00Z`).toUTCString().slice(0, 3) as keyof typeof NAMES;
  return hours[NAMES[name]] ?? [];
}

function dayAfter(date: string): string {
  const day = new Date(`${date}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
