import { type ServiceDeps, startService } from '../../shared/process/boot.ts';
import type { RetentionConfig } from './config.ts';
import { startExpiryRuns } from './expiry-runs.ts';
import { startPartitionRuns } from './partition-runs.ts';
import { createRetentionMetrics } from './retention-metrics.ts';

/**
 * Closing waits for a run in flight. If the run were cut short, nobody would know whether it was
 * done.
 */
const CLOSE_MS = 11_000;

/**
 * Retention has the policy and the schedule of what is kept. It decides and asks, and store does
 * the work.
 */
export function createRetention(config: RetentionConfig, deps: ServiceDeps) {
  return startService(config, deps, async ({ connect, closers, logger, metrics }) => {
    const bus = await connect();
    const counted = createRetentionMetrics(metrics);
    const runs = startPartitionRuns({
      ...config.partitions,
      bus,
      logger,
      metrics: counted,
    });
    closers.push('partitions', () => runs.close(), CLOSE_MS);
    const { intervalMs } = config.partitions;
    const expiry = startExpiryRuns({ bus, logger, metrics: counted, intervalMs });
    closers.push('expiry', () => expiry.close(), CLOSE_MS);
    return { problem: runs.problem };
  });
}
