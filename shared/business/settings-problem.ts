import type { BusinessSettingsInput, Interval } from '../protocol/business-requests.ts';
import { isTimeZone } from './time-zone.ts';

type Week = NonNullable<BusinessSettingsInput['hours']>;
type Exceptions = NonNullable<BusinessSettingsInput['exceptions']>;
/** A span counts minutes from the beginning of the first day that is looked at. */
type Span = { from: number; to: number };

const DAY_MIN = 1_440;
const DAY_MS = 86_400_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const WEEK_MIN = DAYS.length * DAY_MIN;

/**
 * Returns, in words, what the schema of settings cannot find: a time zone that IANA does not have,
 * a date that no calendar has or that comes twice, an interval that is empty, and intervals that
 * overlap. An interval that ends past midnight must not overlap those of the day after, and Monday
 * comes after Sunday. An exception is compared with its own day, and with an exception of the day
 * after. It may reach into the regular hours of the day after, where the business is open anyway.
 */
export function settingsProblem(settings: BusinessSettingsInput): string | undefined {
  const { time_zone, hours = {}, exceptions = [] } = settings;
  if (!isTimeZone(time_zone)) return 'time_zone: is no time zone of IANA';
  return weekProblem(hours) ?? exceptionsProblem(exceptions);
}

function weekProblem(week: Week): string | undefined {
  const spans: Span[] = [];
  for (const [index, day] of DAYS.entries()) {
    for (const interval of week[day] ?? []) {
      const span = spanOf(interval);
      if (typeof span === 'string') return `hours.${day}: ${span}`;
      spans.push(moved(span, index * DAY_MIN));
    }
  }
  // The first span follows the last one, a week later.
  const first = spans.reduce((one, other) => (other.from < one.from ? other : one), spans[0] ?? NO);
  const found = overlap([...spans, moved(first, WEEK_MIN)]);
  if (found === undefined) return undefined;
  const day = DAYS[Math.floor(found.from / DAY_MIN) % DAYS.length];
  return `hours.${day}: ${OVERLAPS}`;
}

function exceptionsProblem(exceptions: Exceptions): string | undefined {
  const dates = new Set<string>();
  const spans: Span[] = [];
  for (const { date, intervals } of exceptions) {
    const dayMs = Date.parse(`${date}T00:00:00Z`);
    if (Number.isNaN(dayMs) || !new Date(dayMs).toISOString().startsWith(date)) {
      return `exceptions: there is no ${date}`;
    }
    if (dates.has(date)) return `exceptions: ${date} comes twice`;
    dates.add(date);
    for (const interval of intervals) {
      const span = spanOf(interval);
      if (typeof span === 'string') return `exceptions: ${date}: ${span}`;
      spans.push(moved(span, (dayMs / DAY_MS) * DAY_MIN));
    }
  }
  const found = overlap(spans);
  if (found === undefined) return undefined;
  const date = new Date(Math.floor(found.from / DAY_MIN) * DAY_MS).toISOString().slice(0, 10);
  return `exceptions: ${date}: ${OVERLAPS}`;
}

const OVERLAPS = 'an interval overlaps one before it';
const NO: Span = { from: 0, to: 0 };

/** Returns the span of an interval within its day, or what is wrong with the interval. */
function spanOf([first, last]: Interval): Span | string {
  const from = minutesOf(first);
  const end = minutesOf(last);
  if (from === DAY_MIN) return 'no interval begins at 24:00';
  if (from === end) return `${first} to ${last} is empty`;
  return { from, to: end < from ? end + DAY_MIN : end };
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function moved({ from, to }: Span, by: number): Span {
  return { from: from + by, to: to + by };
}

/** Returns the first span that begins before one before it has ended. */
function overlap(spans: readonly Span[]): Span | undefined {
  let end = Number.NEGATIVE_INFINITY;
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.from < end) return span;
    end = Math.max(end, span.to);
  }
  return undefined;
}
