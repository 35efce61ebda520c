export type Failure = {
  /** Since the connection was up last; 1 for the first. */
  failures: number;
  retryAfterS: number | undefined;
  /** It was up and went: all of an edge go together. */
  wasReady: boolean;
  windowS: number;
};

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 20_000;
const MS_PER_S = 1_000;

/**
 * How long to wait before the next try. Full jitter always: over the window after a loss, over a
 * growing span after refusals, over as much again where the server says when.
 */
export function reconnectDelayMs(failure: Failure, random: () => number): number {
  const { failures, retryAfterS, wasReady, windowS } = failure;
  if (retryAfterS !== undefined) return retryAfterS * MS_PER_S * (1 + random());
  if (wasReady) return windowS * MS_PER_S * random();
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures) * random();
}
