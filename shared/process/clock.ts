/**
 * Returns the milliseconds since this process started. A change of the host's time does not move
 * this clock, so all durations, deadlines, ages and rates are by it. Its readings mean nothing to
 * another process, and they begin at 0: a time that is long ago, or never was, is `-Infinity`.
 *
 * `Date.now()` is for times that are stored, shown, or compared with those of others.
 */
export function steadyMs(): number {
  return performance.now();
}
