/** A rate allows a burst, and after it this many requests a second. */
export type Rate = { perS: number; burst: number };

/**
 * Takes one token from a bucket by GCRA. The whole state is one number, the time (ms) at which the
 * bucket would be full again; 0 is a full bucket. Returns the new state, or how long to wait.
 */
export function takeOne(
  fullAt: number,
  rate: Rate,
  nowMs: number,
): { fullAt: number } | { retryAfterMs: number } {
  const stepMs = 1_000 / rate.perS;
  const next = Math.max(fullAt, nowMs) + stepMs;
  const excessMs = next - nowMs - rate.burst * stepMs;
  // A rounding error of a double must not cost the last token.
  return excessMs > 1e-6 ? { retryAfterMs: excessMs } : { fullAt: next };
}
