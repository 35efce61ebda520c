import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import type { Faults } from './kaha-answer.ts';

type FaultReport = {
  /** Reports what was wrong with an answer. */
  wrong(faults: Faults): void;
  /** Reports a try without a usable answer, by its outcome. */
  failed(outcome: string): void;
};

/** While kaha-main-v3 fails, the log gets one line each 10 s and not one a call. */
const LOG_INTERVAL_MS = 10_000;

/**
 * Counts what was wrong with answers, and warns of it in numbers alone. The first fault is warned
 * of at once. Faults within 10 s of a warning are warned of together at the end of these 10 s.
 */
export function createFaultReport(deps: { metrics: ProfilesMetrics; logger: Logger }): FaultReport {
  const { metrics, logger } = deps;
  const held = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
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
  return {
    wrong(faults) {
      for (const [fault, count] of Object.entries(faults)) {
        metrics.faults.inc({ fault }, count);
        hold(fault, count);
      }
      if (timer === undefined) warn();
    },
    failed(outcome) {
      hold(`call ${outcome}`, 1);
      if (timer === undefined) warn();
    },
  };
}
