const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEK_DAYS = 7;

/** The page is in English, and shows the clock as the user's browser does. */
const LANGUAGE = 'en';
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const WEEKDAY = new Intl.DateTimeFormat(LANGUAGE, { weekday: 'long' });
const SHORT_WEEKDAY = new Intl.DateTimeFormat(LANGUAGE, { weekday: 'short' });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'long' });
const SHORT_DAY = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short' });
const DATE = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'long' });
const SHORT_DATE = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'short' });

/** Returns the time of day, for example `14:05`. */
export function clockTime(iso: string): string {
  return CLOCK.format(new Date(iso));
}

/** Returns what stands above the messages of a day: `Today`, `Yesterday`, `Monday`, or a date. */
export function dayLabel(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const days = daysBetween(date, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < WEEK_DAYS) return WEEKDAY.format(date);
  return (date.getFullYear() === now.getFullYear() ? DAY : DATE).format(date);
}

/** Returns how long ago something was, shortly: `now`, `5 min`, `14:05`, `Mon`, or a date. */
export function relativeTime(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const agoMs = now.getTime() - date.getTime();
  if (agoMs < MINUTE_MS) return 'now';
  if (agoMs < HOUR_MS) return `${Math.floor(agoMs / MINUTE_MS)} min`;
  const days = daysBetween(date, now);
  if (days === 0) return clockTime(iso);
  if (days === 1) return 'Yesterday';
  if (days < WEEK_DAYS) return SHORT_WEEKDAY.format(date);
  return (date.getFullYear() === now.getFullYear() ? SHORT_DAY : SHORT_DATE).format(date);
}

/** Counts the midnights between two times. A day of 23 or 25 hours is one day as well. */
function daysBetween(from: Date, to: Date): number {
  const midnight = (date: Date): number =>
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight(to) - midnight(from)) / (24 * HOUR_MS);
}
