import { LIMITS } from '../../../shared/protocol/limits.ts';

/**
 * Counts a bad frame among the last ones (`times`, oldest first, at most ten). True: it is the
 * eleventh within a minute.
 */
export function isOneTooMany(times: number[], nowMs: number): boolean {
  const oldest = times[0];
  if (times.length < LIMITS.badFramesMax || oldest === undefined) {
    times.push(nowMs);
    return false;
  }
  times.shift();
  times.push(nowMs);
  return nowMs - oldest < LIMITS.badFramesWindowMs;
}
