import { type Bus, connectBus } from '../../shared/nats/bus.ts';
import { startAdminServer } from '../../shared/process/admin.ts';
import { createClosers, type ServiceDeps } from '../../shared/process/process.ts';
import type { RetentionConfig } from './config.ts';
import { type PartitionRuns, startPartitionRuns } from './partition-runs.ts';
import { createRetentionMetrics } from './retention-metrics.ts';

export type RetentionServer = { adminPort: number; close(): Promise<void> };

/**
 * Closing waits for a run in flight. If the run were cut short, nobody would know whether it was
 * done.
 */
const CLOSE_MS = 11_000;

/**
 * Retention has the policy and the schedule of what is kept. It decides and asks, and store does
 * the work.
 */
export async function createRetention(
  config: RetentionConfig,
  deps: ServiceDeps,
): Promise<RetentionServer> {
  const { logger, metrics } = deps;
  const closers = createClosers(logger);
  let state: 'connecting' | 'running' | 'draining' = 'connecting';
  let bus: Bus | undefined;
  let partitions: PartitionRuns | undefined;
  const readiness = (): string | undefined => {
    if (state !== 'running') return state;
    return bus?.connected ? partitions?.problem() : 'NATS is not connected';
  };
  try {
    const admin = await startAdminServer({ ...config.admin, metrics, readiness });
    closers.push('admin', () => admin.close());
    const connected = await connectBus({ ...config.nats, instance: config.instance, ...deps });
    bus = connected;
    closers.push('bus', () => connected.close());
    const runs = startPartitionRuns({
      ...config.partitions,
      bus,
      logger,
      metrics: createRetentionMetrics(metrics),
    });
    partitions = runs;
    closers.push('partitions', () => runs.close(), CLOSE_MS);
    state = 'running';
    return {
      adminPort: admin.port,
      close() {
        state = 'draining';
        return closers.closeAll();
      },
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
