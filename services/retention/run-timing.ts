/** Retries start with `first` and double up to `max`, which a shorter interval lowers. */
const RETRY_MS = { first: 1_000, max: 60_000 };
const INTERVAL_JITTER = 0.1;
/** This many intervals without a success mean that the runs no longer work. */
const STALE_INTERVALS = 3;

type RunState = {
  intervalMs: number;
  /** This many runs have failed since the last success. */
  failures: number;
  /** This is a random number from 0 up to, but not including, 1. */
  random: number;
};

/**
 * Returns how long to wait until the next run. After a success it is the interval ±10 %, so that
 * several processes drift apart. After a failure it is a back-off of 1 s, 2 s, 4 s … with full
 * jitter in its upper half. The function is pure.
 */
export function delayUntilNext({ intervalMs, failures, random }: RunState): number {
  if (failures === 0) return intervalMs * (1 + INTERVAL_JITTER * (2 * random - 1));
  const max = Math.min(RETRY_MS.max, intervalMs);
  const backOff = Math.min(RETRY_MS.first * 2 ** (failures - 1), max);
  return backOff * (0.5 + random / 2);
}

/**
 * Returns why the runs are not healthy, or undefined. The last success was at `lastSuccessAt`, in
 * epoch ms, and `sinceMs` ago. The function is pure.
 */
export function staleness(run: {
  lastSuccessAt: number | undefined;
  sinceMs: number;
  intervalMs: number;
}): string | undefined {
  if (run.lastSuccessAt === undefined) return 'partitions have not been ensured yet';
  if (run.sinceMs <= STALE_INTERVALS * run.intervalMs) return undefined;
  return `partitions were last ensured at ${new Date(run.lastSuccessAt).toISOString()}`;
}
