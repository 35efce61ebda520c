import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  ExponentialBackoff,
  handleWhen,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfileMap, ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { createFaultReport } from './answer-faults.ts';
import { type CallOutcome, outcomeOf } from './call-outcome.ts';
import { createCircuit } from './circuit.ts';
import { AnswerTooLargeError, type KahaClient, KahaRefusedError } from './kaha-client.ts';

/** `concurrencyMax` calls to kaha-main-v3 run at once, and `waitingMax` wait for a place. */
export const CALLS = { concurrencyMax: 8, waitingMax: 64 };
const TIMEOUT_MS = 800;
const RETRIES = 1;
/** The delay is jittered between these two, as cockatiel does by default. */
const RETRY_DELAY_MS = { initialDelay: 50, maxDelay: 200 };

type Deps = {
  client: KahaClient;
  random: () => number;
  metrics: ProfilesMetrics;
  logger: Logger;
};

export type KahaGuard = {
  fetch(refs: readonly ProfileRef[]): Promise<ProfileMap>;
  /**
   * kaha-main-v3 is expected to answer: the circuit is closed, and the last try did not hang. It is
   * not worth waiting for otherwise.
   */
  readonly isAnswering: boolean;
  /** 0 means closed, 1 half-open and 2 open. */
  readonly circuitState: number;
  /** `running` counts calls that have a place, and `waiting` those that wait for one. */
  readonly running: number;
  readonly waiting: number;
  close(): void;
};

/**
 * A call ends within 1.8 s once it has its place. A try takes at most 0.8 s and there is one retry,
 * but none after a failure that will not pass by itself (401, 400, an answer that is too large).
 * The circuit counts tries. Its probe asks for any one id of the last call, carried out or not, so
 * that an id that kaha-main-v3 cannot answer does not keep the circuit open. Eight calls run at
 * once, 64 wait, and more are refused.
 */
export function guardKaha({ client, random, metrics, logger }: Deps): KahaGuard {
  const places = bulkhead(CALLS.concurrencyMax, CALLS.waitingMax);
  const retries = retry(handleWhen(isRetryable), {
    maxAttempts: RETRIES,
    backoff: new ExponentialBackoff(RETRY_DELAY_MS),
  });
  const limit = timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive);
  retries.onRetry(() => metrics.retries.inc());
  places.onReject(() => metrics.rejections.inc());
  const report = createFaultReport({ metrics, logger });
  let isHanging = false;
  let wanted: readonly ProfileRef[] = [];
  const ended = (outcome: CallOutcome): void => {
    isHanging = outcome === 'timeout';
    // The circuit has already logged one line of its outage.
    report.ended(outcome, !circuit.isClosed);
  };
  const tryOnce = (refs: readonly ProfileRef[]): Promise<ProfileMap> =>
    limit.execute(async ({ signal }) => {
      const stop = metrics.callSeconds.startTimer();
      try {
        const { found, faults } = await client.fetch(refs, signal);
        ended('ok');
        report.wrong(faults);
        return found;
      } catch (error) {
        ended(outcomeOf(error));
        throw error;
      } finally {
        stop();
      }
    });
  const probe = (): Promise<ProfileMap> => {
    const index = Math.floor(random() * wanted.length);
    return tryOnce(wanted.slice(index, index + 1));
  };
  const isHang = (error: unknown): boolean => outcomeOf(error) === 'timeout';
  const circuit = createCircuit({ probe, isHang, metrics, logger });
  const policy = wrap(places, retries);
  return {
    fetch(refs) {
      wanted = refs;
      return policy.execute(() => circuit.run(() => tryOnce(refs)));
    },
    get isAnswering() {
      return circuit.isClosed && !isHanging;
    },
    get circuitState() {
      return circuit.stateNumber;
    },
    get running() {
      return CALLS.concurrencyMax - places.executionSlots;
    },
    get waiting() {
      return CALLS.waitingMax - places.queueSlots;
    },
    close: () => circuit.close(),
  };
}

function isRetryable(error: Error): boolean {
  if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError) return false;
  if (error instanceof AnswerTooLargeError) return false;
  return !(error instanceof KahaRefusedError) || error.isRetryable;
}
