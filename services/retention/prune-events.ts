import type { AskStore } from '../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { RetentionMetrics } from './retention-metrics.ts';

type Deps = { store: AskStore; metrics: RetentionMetrics; logger: Logger; signal: AbortSignal };

const BATCH = 2_000;
/** A run forgets at most 10 000 000 events. What is left waits for the next run. */
const BATCHES_MAX = 5_000;

/**
 * Lets store forget the events that no consumer of the feed can ask for any more, in batches, until
 * none is left or the process closes. A run that fails leaves its events to the next one.
 */
export async function pruneEvents({ store, metrics, logger, signal }: Deps): Promise<void> {
  try {
    for (let batches = 0; batches < BATCHES_MAX && !signal.aborted; batches += 1) {
      const { deleted } = await store('events.prune', { limit: BATCH });
      metrics.prunedEvents.inc(deleted);
      if (deleted < BATCH) break;
    }
    metrics.pruneRuns.inc({ outcome: 'ok' });
  } catch (error) {
    metrics.pruneRuns.inc({ outcome: 'failed' });
    logger.warn({ err: error }, 'old events could not be pruned');
  }
}
