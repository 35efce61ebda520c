import type { Metrics } from '../../shared/process/metrics.ts';

export type RetentionMetrics = ReturnType<typeof createRetentionMetrics>;

/**
 * Times are epoch seconds. Alerts should watch `time() - …last_success…`, and that
 * `…partitions_ahead` is at least 2.
 */
export function createRetentionMetrics(metrics: Metrics) {
  return {
    runs: metrics.counter('kaha_retention_partition_runs_total', 'Runs', ['outcome']),
    lastSuccess: metrics.gauge(
      'kaha_retention_partition_last_success_seconds',
      'When the partitions were last ensured',
    ),
    prunedEvents: metrics.counter(
      'kaha_retention_pruned_events_total',
      'Events that the log forgot after 8 days',
    ),
    prunedDevices: metrics.counter(
      'kaha_retention_pruned_devices_total',
      'Devices that were forgotten 400 days after they were last seen',
    ),
    pruneRuns: metrics.counter('kaha_retention_prune_runs_total', 'Runs', ['outcome', 'what']),
    partitionsAhead: metrics.gauge(
      'kaha_retention_partitions_ahead',
      'Partitions of messages that follow the one of now',
    ),
    partitionsUntil: metrics.gauge(
      'kaha_retention_partitions_until_seconds',
      'Up to when there is a place for messages',
    ),
  };
}
