import type { Logger } from '../../shared/logger.ts';
import type { Faults } from './kaha-answer.ts';
import type { ProfilesMetrics } from './profiles-metrics.ts';

/** A bad day of kaha-main-v3 is a line each 10 s, not one a call. */
const LOG_INTERVAL_MS = 10_000;

/** Counts what was wrong with answers and warns of it, in numbers alone. */
export function createFaultReport(deps: { metrics: ProfilesMetrics; logger: Logger }) {
  const { metrics, logger } = deps;
  const held = new Map<string, number>();
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (faults: Faults): void => {
    for (const [fault, count] of Object.entries(faults)) {
      metrics.faults.inc({ fault }, count);
      held.set(fault, (held.get(fault) ?? 0) + count);
    }
    if (held.size === 0 || Date.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = Date.now();
    logger.warn({ faults: Object.fromEntries(held) }, 'kaha-main-v3 answered badly');
    held.clear();
  };
}
