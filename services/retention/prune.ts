import type { AskStore } from '../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { RetentionMetrics } from './retention-metrics.ts';

type Deps = { store: AskStore; metrics: RetentionMetrics; logger: Logger; signal: AbortSignal };

const BATCH = 2_000;
/** A run forgets at most 10 000 000 rows of a kind. What is left waits for the next run. */
const BATCHES_MAX = 5_000;

type Pruned = {
  what: string;
  op: 'events.prune' | 'devices.prune' | 'revisions.prune' | 'steps.prune';
  counter: 'prunedEvents' | 'prunedDevices' | 'prunedRevisions' | 'prunedSteps';
};

/**
 * Lets store forget what is old, in batches, until none is left or the process closes. A kind that
 * fails leaves its rows to the next run.
 */
export async function prune(
  { store, metrics, logger, signal }: Deps,
  pruned: readonly Pruned[],
): Promise<void> {
  for (const { what, op, counter } of pruned) {
    try {
      for (let batches = 0; batches < BATCHES_MAX && !signal.aborted; batches += 1) {
        const { deleted } = await store(op, { limit: BATCH });
        metrics[counter].inc(deleted);
        if (deleted < BATCH) break;
      }
      metrics.pruneRuns.inc({ outcome: 'ok', what });
    } catch (error) {
      metrics.pruneRuns.inc({ outcome: 'failed', what });
      logger.warn({ err: error, what }, 'what is old could not be forgotten');
    }
  }
}
