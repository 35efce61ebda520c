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
    prunedRevisions: metrics.counter(
      'kaha_retention_pruned_revisions_total',
      'Texts that people replaced or deleted, and that are gone',
    ),
    prunedSteps: metrics.counter(
      'kaha_retention_pruned_steps_total',
      'Steps of businesses that the log forgot',
    ),
    expiryRuns: metrics.counter('kaha_retention_expiry_runs_total', 'Runs', ['outcome']),
    cleared: metrics.counter(
      'kaha_retention_cleared_total',
      'Messages whose time is over, and what hung on them',
      ['what'],
    ),
    dropped: metrics.counter('kaha_retention_dropped_total', 'Partitions that are gone'),
    partitionsDue: metrics.gauge(
      'kaha_retention_partitions_due',
      'Partitions that ought to be gone',
    ),
    oldestDue: metrics.gauge(
      'kaha_retention_oldest_due_seconds',
      'For so long the oldest of these ought to be gone',
    ),
    held: metrics.gauge(
      'kaha_retention_held',
      'Is 1 while nothing expires, because the clock cannot be trusted',
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
