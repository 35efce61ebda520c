import { BrokenCircuitError, CircuitState, circuitBreaker, handleAll } from 'cockatiel';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';

type Deps = {
  /** Tries whether kaha-main-v3 is back. */
  probe: () => Promise<unknown>;
  /** Tells whether a try failed because kaha-main-v3 did not answer in time. */
  isHang: (error: unknown) => boolean;
  metrics: ProfilesMetrics;
  logger: Logger;
};

type Circuit = {
  /** Makes a try, or rejects at once with BrokenCircuitError unless the circuit is closed. */
  run<Result>(tryOnce: () => Promise<Result>): Promise<Result>;
  readonly isClosed: boolean;
  /** 0 means closed, 1 half-open and 2 open. */
  readonly stateNumber: number;
  close(): void;
};

/** A hang costs its callers the whole time-out, so it counts as two failures. */
const FAILURES_UNTIL_OPEN = 4;
const PROBE_MS = 2_000;
/** The timer of the probe decides when the breaker lets a try through, and no clock. */
const AT_ONCE = Number.NEGATIVE_INFINITY;

/**
 * Four failed tries in a row open the circuit, or two that hang, and then tries fail at once. While
 * it is open, it sends one probe every 2 s, whether anybody asks or not, and the first probe that
 * succeeds closes it. So an outage that ends while nobody asks is over before somebody does.
 */
export function createCircuit({ probe, isHang, metrics, logger }: Deps): Circuit {
  let weight = 1;
  const failures = {
    state: 0,
    success(): void {
      failures.state = 0;
    },
    failure(): boolean {
      failures.state += weight;
      return failures.state >= FAILURES_UNTIL_OPEN;
    },
  };
  const breaker = circuitBreaker(handleAll, { breaker: failures, halfOpenAfter: AT_ONCE });
  const weighed = async <Result>(tryOnce: () => Promise<Result>): Promise<Result> => {
    try {
      return await tryOnce();
    } catch (error) {
      weight = isHang(error) ? 2 : 1;
      throw error;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  logCircuit(breaker, { metrics, logger });
  // A probe that fails opens the circuit anew, which leads to the next probe.
  breaker.onBreak(() => {
    if (isEnded) return;
    timer = setTimeout(() => {
      breaker.execute(probe).catch((error: unknown) => error);
    }, PROBE_MS);
  });
  return {
    run(tryOnce) {
      if (breaker.state === CircuitState.Closed) return breaker.execute(() => weighed(tryOnce));
      return Promise.reject(new BrokenCircuitError());
    },
    get isClosed() {
      return breaker.state === CircuitState.Closed;
    },
    get stateNumber() {
      return STATE_NUMBERS[breaker.state];
    },
    close() {
      isEnded = true;
      clearTimeout(timer);
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
