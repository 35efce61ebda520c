import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '../../shared/nats/bus.ts';
import { createAskStore } from '../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { prune } from './prune.ts';
import type { RetentionMetrics } from './retention-metrics.ts';
import { delayUntilNext, staleness } from './run-timing.ts';

type PartitionRuns = {
  /** Returns why partitions may be missing, or undefined. */
  problem(): string | undefined;
  close(): Promise<void>;
};

type Options = {
  bus: Bus;
  metrics: RetentionMetrics;
  logger: Logger;
  weeksAhead: number;
  intervalMs: number;
};

/** Making several partitions is DDL behind a lock. Store allows each statement 2 s. */
const TIMEOUT_MS = 10_000;

/** No consumer of the feed can ask for these events any more, and nobody has used these devices. */
const PRUNED = [
  { what: 'events', op: 'events.prune', counter: 'prunedEvents' },
  { what: 'devices', op: 'devices.prune', counter: 'prunedDevices' },
] as const;

/**
 * Asks store for the partitions of the coming weeks, at once and then every interval, and lets it
 * forget old events and devices after that. A failed run is tried again with back-off. Several
 * processes may do so, because store serialises them.
 */
export function startPartitionRuns(options: Options): PartitionRuns {
  const { bus, metrics, logger, intervalMs } = options;
  const store = createAskStore(bus, TIMEOUT_MS);
  const closing = new AbortController();
  let lastSuccessAt: number | undefined;
  let lastSuccessMs = 0;
  let failures = 0;

  const run = async (): Promise<void> => {
    try {
      const request = { weeks_ahead: options.weeksAhead };
      const done = await store('partitions.ensure', request);
      lastSuccessAt = Date.now();
      lastSuccessMs = steadyMs();
      failures = 0;
      metrics.runs.inc({ outcome: 'ok' });
      metrics.lastSuccess.set(lastSuccessAt / 1_000);
      metrics.partitionsUntil.set(Date.parse(done.last_until) / 1_000);
      metrics.partitionsAhead.set(done.ahead);
      if (done.created.length > 0) logger.info({ created: done.created }, 'partitions made');
    } catch (error) {
      failures += 1;
      metrics.runs.inc({ outcome: 'failed' });
      logger.warn({ err: error, failures }, 'partitions could not be ensured');
    }
  };
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await run();
      await prune({ store, metrics, logger, signal: closing.signal }, PRUNED);
      const waitMs = delayUntilNext({ intervalMs, failures, random: Math.random() });
      await delay(waitMs, undefined, { signal: closing.signal }).catch(endOfWait);
    }
  };
  const running = loop();
  return {
    problem: () => staleness({ lastSuccessAt, sinceMs: steadyMs() - lastSuccessMs, intervalMs }),
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** The wait ends early only because the process closes. */
function endOfWait(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
