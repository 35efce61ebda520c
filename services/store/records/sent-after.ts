/** A time further ahead of the clock of Postgres than this is of a clock that was wrong. */
const AHEAD_MS_MAX = 60_000;

/** Both times are in the wire's form. */
export function isAhead(time: string, now: string): boolean {
  return Date.parse(time) - Date.parse(now) > AHEAD_MS_MAX;
}

/**
 * A message that follows one of the time `last` gets this time: not before that one, unless that
 * one is ahead of the clock. The SQL function `sent_after` of migration 0021 says the same.
 */
export function sentAfter(last: string | null, now: string): string {
  if (last === null || isAhead(last, now)) return now;
  return last > now ? last : now;
}
