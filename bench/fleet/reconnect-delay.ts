type Failure = {
  /**
   * The connection was closed or refused this many times since it was last authenticated, this
   * time included.
   */
  failures: number;
  retryAfterS: number | undefined;
  /** The connection was up and was lost. All connections of an edge are lost together. */
  wasReady: boolean;
  windowS: number;
};

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 20_000;
const MS_PER_S = 1_000;

/**
 * Returns how long to wait before the next try. The delay always has full jitter: over the window
 * after a loss, over a growing span after refusals, and, if the server says how long, over as much
 * again on top of that time.
 */
export function reconnectDelayMs(failure: Failure, random: () => number): number {
  const { failures, retryAfterS, wasReady, windowS } = failure;
  if (retryAfterS !== undefined) return retryAfterS * MS_PER_S * (1 + random());
  if (wasReady) return windowS * MS_PER_S * random();
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures) * random();
}
