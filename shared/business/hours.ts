import { DAY_MS, type OpeningHours, type OpeningSpan, openingSpans } from './opening-spans.ts';
import { type ZoneClock, zoneClock } from './zone-clock.ts';

/**
 * A change that is further away is not looked for. The horizon is two years, which is longer than
 * the pause in a week's hours that 400 closed dates (`exceptionsMax`) can make.
 */
export const HORIZON_DAYS = 731;
/**
 * A span is over if clocks show that it ended longer ago than they are ever put back. The furthest
 * since 1970 was 7 h (Antarctica/Vostok in 1994).
 */
const PUT_BACK_MS_MAX = 12 * 3_600_000;
/** The protocol writes no later time. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * `changesAtMs` is when a closed business opens, or an open one closes. It is undefined if that
 * does not happen within the horizon, or not up to the year 9999.
 */
type Opening = { isOpen: boolean; changesAtMs: number | undefined };

/**
 * Tells whether a business is open at an instant, and when that changes next.
 *
 * An interval of the settings is one stretch of time, in which the business opens once and closes
 * once. It begins at the first instant at which the zone's clock shows its start or a later time,
 * and ends at the last one up to which the clock shows earlier times than its end. So:
 *
 * - Where a clock is put forward over the start, the business opens at the switch. Where the
 *   clock is put forward over the end, it closes at the switch. An interval that is skipped as a
 *   whole is left out.
 * - Where a clock is put back, the business is open both times that the clock shows a time within
 *   the interval, and in between. If the hour from 02:00 is shown twice, an interval from 01:00 to
 *   02:30 lasts two hours and a half, and one from 02:30 to 04:00 does so too.
 *
 * `docs/decisions/opening-hours.md` says why.
 */
export function hoursAt(settings: OpeningHours, atMs: number): Opening {
  const clock = zoneClock(settings.time_zone);
  const wallMs = clock.wallTime(atMs);
  const today = Math.floor(wallMs / DAY_MS);
  const horizonMs = Math.min(atMs + HORIZON_DAYS * DAY_MS, LAST_MS);
  // An interval runs at most a day past its date, and clocks may be put back over a midnight. So
  // intervals of the days from the second before today on may hold the instant.
  const spans = openingSpans(settings, today - 2, today + HORIZON_DAYS + 1);
  for (const { fromMs, toMs } of stretchesOf(spans, clock, wallMs - PUT_BACK_MS_MAX)) {
    if (toMs <= atMs) continue;
    const isOpen = fromMs <= atMs;
    const changesAtMs = isOpen ? toMs : fromMs;
    return { isOpen, changesAtMs: changesAtMs <= horizonMs ? changesAtMs : undefined };
  }
  return { isOpen: false, changesAtMs: undefined };
}

/**
 * Yields the instants of the spans that end after `fromWallMs`. Two spans make one stretch if the
 * clock skips the pause between them, or if it shows the end of the first again after the second
 * has begun.
 */
function* stretchesOf(
  spans: Iterable<OpeningSpan>,
  clock: ZoneClock,
  fromWallMs: number,
): Generator<OpeningSpan> {
  let open: OpeningSpan | undefined;
  for (const span of spans) {
    if (span.toMs <= fromWallMs) continue;
    const fromMs = clock.instants(span.fromMs).firstMs;
    const toMs = clock.instants(span.toMs).lastMs;
    if (toMs <= fromMs) continue;
    if (open !== undefined && fromMs <= open.toMs) {
      open.toMs = Math.max(open.toMs, toMs);
    } else {
      if (open !== undefined) yield open;
      open = { fromMs, toMs };
    }
  }
  if (open !== undefined) yield open;
}
