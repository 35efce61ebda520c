import type { BusinessSettingsInput, Interval } from '../protocol/business-requests.ts';

/** When a business is open, as its settings say. `settingsProblem` has found nothing wrong. */
export type OpeningHours = Pick<BusinessSettingsInput, 'time_zone' | 'hours' | 'exceptions'>;

/** The wall times (see `zone-clock.ts`) from which and up to which a business is open. */
export type OpeningSpan = { fromMs: number; toMs: number };

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
const ALL_DAY: readonly Interval[] = [['00:00', '24:00']];
/** The first day, 1 January 1970, was a Thursday. */
const FIRST_WEEKDAY = 4;

/**
 * Yields the spans of intervals that begin on the days from `fromDay` to `toDay` (counted from 1
 * January 1970), in their order. Intervals that touch or overlap make one span, so a business that
 * never closes has one span from the first day to the last.
 *
 * An interval belongs to the date on which it begins. One that ends past midnight runs into the
 * next date, whatever that date is: an exception neither cuts the night before it nor is cut by the
 * day after it. To end the night before a holiday earlier, a business gives that day an exception.
 */
export function* openingSpans(
  { hours, exceptions = [] }: OpeningHours,
  fromDay: number,
  toDay: number,
): Generator<OpeningSpan> {
  const weekly = WEEKDAYS.map((weekday) =>
    spansOf(hours === undefined ? ALL_DAY : (hours[weekday] ?? [])),
  );
  const dated = new Map(exceptions.map(({ date, intervals }) => [dayOf(date), intervals]));
  let open: OpeningSpan | undefined;
  for (let day = fromDay; day <= toDay; day += 1) {
    const exception = dated.get(day);
    const spans = exception === undefined ? weekly[weekdayOf(day)] : spansOf(exception);
    for (const span of spans ?? []) {
      const fromMs = day * DAY_MS + span.fromMs;
      const toMs = day * DAY_MS + span.toMs;
      if (open !== undefined && fromMs <= open.toMs) {
        open.toMs = Math.max(open.toMs, toMs);
      } else {
        if (open !== undefined) yield open;
        open = { fromMs, toMs };
      }
    }
  }
  if (open !== undefined) yield open;
}

/** Returns the spans of a day's intervals, counted from the midnight at which the day begins. */
function spansOf(intervals: readonly Interval[]): OpeningSpan[] {
  return intervals
    .map(([start, end]) => {
      const fromMs = msOf(start);
      const toMs = msOf(end);
      return { fromMs, toMs: toMs < fromMs ? toMs + DAY_MS : toMs };
    })
    .sort((one, other) => one.fromMs - other.fromMs);
}

function msOf(time: string): number {
  return (Number(time.slice(0, 2)) * 60 + Number(time.slice(3))) * MINUTE_MS;
}

function dayOf(date: string): number {
  return Date.parse(date) / DAY_MS;
}

/** Returns the index in `WEEKDAYS`, also for a day before 1970. */
function weekdayOf(day: number): number {
  return (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
}
