import {
  BrokenCircuitError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Logger } from '../../shared/logger.ts';
import { type KahaClient, KahaRefusedError } from './kaha-client.ts';
import type { ProfileMap, ProfileRef } from './profile.ts';
import type { ProfilesMetrics } from './profiles-metrics.ts';

/** Calls to kaha-main-v3 at once, and those that wait for a place. */
export const CALLS = { concurrencyMax: 8, waitingMax: 64 };
const TIMEOUT_MS = 1_000;
const RETRIES = 1;
const RETRY_DELAY_MS = { initialDelay: 50, maxDelay: 200 };
const FAILURES_UNTIL_OPEN = 5;
const HALF_OPEN_AFTER_MS = 2_000;

type Deps = { client: KahaClient; metrics: ProfilesMetrics; logger: Logger };
export type GuardedFetch = (refs: readonly ProfileRef[]) => Promise<ProfileMap>;

/**
 * A call that ends in ≤ 2.3 s once it has its place: 1 s a try, one retry, none for a refusal that
 * will not pass by itself (401, 400). Five failed tries in a row open the circuit: then calls fail
 * at once, and one every 2 s tries again.
 */
export function guardKaha({ client, metrics, logger }: Deps): GuardedFetch {
  const breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(FAILURES_UNTIL_OPEN),
    halfOpenAfter: HALF_OPEN_AFTER_MS,
  });
  breaker.onBreak((reason) => {
    metrics.circuitOpen.set(1);
    const err = reason !== undefined && 'error' in reason ? reason.error : undefined;
    logger.warn({ err }, 'kaha-main-v3 is away: the circuit is open');
  });
  breaker.onReset(() => {
    metrics.circuitOpen.set(0);
    logger.info('kaha-main-v3 is back: the circuit is closed');
  });
  const policy = wrap(
    bulkhead(CALLS.concurrencyMax, CALLS.waitingMax),
    retry(handleWhen(mayPass), {
      maxAttempts: RETRIES,
      backoff: new ExponentialBackoff(RETRY_DELAY_MS),
    }),
    breaker,
    timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
  );
  return (refs) =>
    policy.execute(({ signal }) => measured(metrics, () => client.fetch(refs, signal)));
}

function mayPass(error: Error): boolean {
  if (error instanceof BrokenCircuitError) return false;
  return !(error instanceof KahaRefusedError) || error.retryable;
}

async function measured<Result>(
  metrics: ProfilesMetrics,
  call: () => Promise<Result>,
): Promise<Result> {
  const stop = metrics.callSeconds.startTimer();
  try {
    const result = await call();
    metrics.calls.inc({ outcome: 'ok' });
    return result;
  } catch (error) {
    metrics.calls.inc({ outcome: 'failed' });
    throw error;
  } finally {
    stop();
  }
}
