import { LIMITS } from '../../../shared/protocol/limits.ts';

/**
 * Counts a bad frame, and returns true if it is the eleventh within a minute. `times` holds when
 * the last bad frames came: at most ten, the oldest first.
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
