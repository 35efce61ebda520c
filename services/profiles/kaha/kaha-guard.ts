import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfileMap, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { createFaultReport } from './answer-faults.ts';
import { MalformedAnswerError } from './kaha-answer.ts';
import { type KahaClient, KahaRefusedError } from './kaha-client.ts';

/** `concurrencyMax` calls to kaha-main-v3 run at once, and `waitingMax` wait for a place. */
export const CALLS = { concurrencyMax: 8, waitingMax: 64 };
const TIMEOUT_MS = 800;
const RETRIES = 1;
/** The delay is jittered between these two, as cockatiel does by default. */
const RETRY_DELAY_MS = { initialDelay: 50, maxDelay: 200 };
/**
 * Four tries that hang one after another take 3.3 s, so the circuit opens within 5 s, however few
 * calls come.
 */
const FAILURES_UNTIL_OPEN = 4;
const HALF_OPEN_AFTER_MS = 2_000;

type Deps = { client: KahaClient; metrics: ProfilesMetrics; logger: Logger };

export type KahaGuard = {
  fetch(refs: readonly ProfileRef[]): Promise<ProfileMap>;
  /**
   * The circuit is closed unless calls are refused at once, or a single call tries whether
   * kaha-main-v3 is back.
   */
  readonly isClosed: boolean;
  /** 0 means closed, 1 half-open and 2 open. */
  readonly circuitState: number;
  /** `running` counts calls that have a place, and `waiting` those that wait for one. */
  readonly running: number;
  readonly waiting: number;
};

/**
 * A call ends within 1.8 s once it has its place. A try takes at most 0.8 s and there is one retry,
 * but none after a refusal that will not pass by itself (401, 400). Four failed tries in a row open
 * the circuit: then calls fail at once, and every 2 s one call tries again. Eight calls run at
 * once, 64 wait, and more are refused.
 */
export function guardKaha({ client, metrics, logger }: Deps): KahaGuard {
  const breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(FAILURES_UNTIL_OPEN),
    halfOpenAfter: HALF_OPEN_AFTER_MS,
  });
  const places = bulkhead(CALLS.concurrencyMax, CALLS.waitingMax);
  const tries = retry(handleWhen(isRetryable), {
    maxAttempts: RETRIES,
    backoff: new ExponentialBackoff(RETRY_DELAY_MS),
  });
  tries.onRetry(() => metrics.retries.inc());
  places.onReject(() => metrics.rejections.inc());
  logCircuit(breaker, { metrics, logger });
  const report = createFaultReport({ metrics, logger });
  const ended = (outcome: string): void => {
    metrics.calls.inc({ outcome });
    // `logCircuit` has already logged one line of an open circuit.
    if (outcome !== 'ok' && breaker.state === CircuitState.Closed) report.failed(outcome);
  };
  const policy = wrap(places, tries, breaker, timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive));
  return {
    fetch: (refs) =>
      policy.execute(async ({ signal }) => {
        const stop = metrics.callSeconds.startTimer();
        const { found, faults } = await withOutcome(client.fetch(refs, signal), ended).finally(
          stop,
        );
        report.wrong(faults);
        return found;
      }),
    get isClosed() {
      return breaker.state === CircuitState.Closed;
    },
    get circuitState() {
      return STATE_NUMBERS[breaker.state];
    },
    get running() {
      return CALLS.concurrencyMax - places.executionSlots;
    },
    get waiting() {
      return CALLS.waitingMax - places.queueSlots;
    },
  };
}

const STATE_NUMBERS = {
  [CircuitState.Closed]: 0,
  [CircuitState.HalfOpen]: 1,
  [CircuitState.Open]: 2,
  [CircuitState.Isolated]: 2,
};
const STATE_NAMES = ['closed', 'half-open', 'open'];

/** Logs one line an outage, however often kaha-main-v3 is tried meanwhile. */
function logCircuit(
  breaker: ReturnType<typeof circuitBreaker>,
  { metrics, logger }: Pick<Deps, 'metrics' | 'logger'>,
): void {
  let away = false;
  breaker.onStateChange((state) => {
    metrics.circuitChanges.inc({ state: STATE_NAMES[STATE_NUMBERS[state]] ?? 'open' });
  });
  breaker.onBreak((reason) => {
    const err = reason !== undefined && 'error' in reason ? reason.error : undefined;
    if (!away) logger.warn({ err }, 'kaha-main-v3 is away: the circuit is open');
    away = true;
  });
  breaker.onReset(() => {
    away = false;
    logger.info('kaha-main-v3 is back: the circuit is closed');
  });
}

function isRetryable(error: Error): boolean {
  if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError) return false;
  return !(error instanceof KahaRefusedError) || error.retryable;
}

async function withOutcome<Result>(
  call: Promise<Result>,
  ended: (outcome: string) => void,
): Promise<Result> {
  try {
    const result = await call;
    ended('ok');
    return result;
  } catch (error) {
    ended(outcomeOf(error));
    throw error;
  }
}

function outcomeOf(error: unknown): string {
  if (error instanceof KahaRefusedError) return 'refused';
  if (error instanceof MalformedAnswerError) return 'malformed';
  const isLate = error instanceof TaskCancelledError || (error as Error).name === 'AbortError';
  return isLate ? 'timeout' : 'failed';
}
