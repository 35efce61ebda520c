import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import type { CallOutcome } from './call-outcome.ts';
import type { Faults } from './kaha-answer.ts';

type FaultReport = {
  /** Reports what was wrong with an answer. */
  wrong(faults: Faults): void;
  /** Reports how a try ended. `isWarned` says that the log need not be told of a failure. */
  ended(outcome: CallOutcome, isWarned: boolean): void;
};

/** While kaha-main-v3 fails, the log gets one line each 10 s and not one a call. */
const LOG_INTERVAL_MS = 10_000;

/**
 * Counts what was wrong with answers, and warns of it in numbers alone. The first fault is warned
 * of at once. Faults within 10 s of a warning are warned of together at the end of these 10 s. That
 * kaha-main-v3 does not know somebody is counted and is nothing to warn of. That it does not take
 * the service token is an error, which the log has once, until an answer comes.
 */
export function createFaultReport(deps: { metrics: ProfilesMetrics; logger: Logger }): FaultReport {
  const { metrics, logger } = deps;
  const held = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let isTokenRefused = false;
  const hold = (fault: string, count: number): void => {
    held.set(fault, (held.get(fault) ?? 0) + count);
  };
  const warn = (): void => {
    timer = undefined;
    if (held.size === 0) return;
    logger.warn({ faults: Object.fromEntries(held) }, 'kaha-main-v3 answered badly');
    held.clear();
    timer = setTimeout(warn, LOG_INTERVAL_MS).unref();
  };
  const refuseToken = (): void => {
    if (!isTokenRefused) logger.error('kaha-main-v3 does not take KAHA_SERVICE_TOKEN');
    isTokenRefused = true;
  };
  return {
    wrong(faults) {
      for (const [fault, count] of Object.entries(faults)) {
        metrics.faults.inc({ fault }, count);
        if (fault !== 'missing') hold(fault, count);
      }
      if (timer === undefined) warn();
    },
    ended(outcome, isWarned) {
      metrics.calls.inc({ outcome });
      if (outcome === 'ok') isTokenRefused = false;
      else if (outcome === 'unauthenticated') refuseToken();
      else if (!isWarned) hold(`call ${outcome}`, 1);
      if (timer === undefined) warn();
    },
  };
}
