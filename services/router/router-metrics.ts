import type { Counter, Histogram } from 'prom-client';
import type { Metrics } from '../../shared/process/metrics.ts';

/**
 * Each part counts its own events in these metrics. The wiring defines the gauges, which are read
 * on scrape.
 */
export type RouterMetrics = {
  messages: Counter;
  appendItems: Histogram;
  fanOutS: Histogram;
  fanOutsOwed: Counter;
  publishFailures: Counter;
  repairs: Counter;
  reportsDropped: Counter;
  feedBatches: Counter;
  feedEvents: Counter;
  feedFailures: Counter;
  feedDropped: Counter;
  queuesCreated: Counter;
  queuesDeleted: Counter;
  queuesVoided: Counter;
  tailsLost: Counter;
  queuesChecked: Counter;
  evictionsPutOff: Counter;
  sessions: Counter;
  releases: Counter;
  offers: Counter;
  positionsRefused: Counter;
  receiptsTold: Counter;
  waitS: Histogram;
  firstResponseS: Histogram;
  resolutionS: Histogram;
  assignments: Counter;
  stepRefusals: Counter;
  sweepFinds: Counter;
  awayMessages: Counter;
};

const APPEND_BUCKETS = [1, 2, 4, 8, 16, 32, 64];
/** Waits reach from an assignment at once to one on the next working day. */
const WAIT_BUCKETS = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const RESOLUTION_BUCKETS = [60, 300, 900, 3_600, 14_400, 86_400, 604_800];

export function createRouterMetrics(metrics: Metrics): RouterMetrics {
  const { counter, histogram } = metrics;
  return {
    messages: counter('kaha_router_messages_total', 'Sends answered', ['outcome']),
    appendItems: histogram('kaha_router_append_items', 'Sends joined in an append', APPEND_BUCKETS),
    fanOutS: histogram(
      'kaha_router_fanout_seconds',
      'Append answered until devices or queues have it',
    ),
    fanOutsOwed: counter('kaha_router_fanouts_owed_total', 'Fan-outs that could not be finished'),
    publishFailures: counter('kaha_router_publish_failures_total', 'Failed JetStream publishes'),
    repairs: counter('kaha_router_repairs_total', 'Owed fan-outs claimed', ['outcome']),
    reportsDropped: counter('kaha_router_outbox_reports_dropped_total', 'Reports not made'),
    feedBatches: counter('kaha_router_feed_batches_total', 'Batches that the feed has'),
    feedEvents: counter('kaha_router_feed_events_total', 'Events that the feed has'),
    feedFailures: counter('kaha_router_feed_failures_total', 'Failed publishes to the feed'),
    feedDropped: counter('kaha_router_feed_dropped_total', 'Events without room', ['duty']),
    queuesCreated: counter('kaha_router_queues_created_total', 'Device queues created'),
    queuesDeleted: counter('kaha_router_queues_deleted_total', 'Device queues deleted', ['reason']),
    queuesVoided: counter('kaha_router_queues_voided_total', 'Devices told to resync'),
    tailsLost: counter('kaha_router_tails_lost_total', 'Streams that lost what they had acked'),
    queuesChecked: counter('kaha_router_queues_checked_total', 'Queues asked for', ['outcome']),
    evictionsPutOff: counter(
      'kaha_router_evictions_put_off_total',
      'Eleventh devices refused because store could not tell which one goes',
    ),
    sessions: counter('kaha_router_sessions_total', 'Sessions opened', ['outcome']),
    offers: counter('kaha_router_offers_total', 'Events offered to devices', ['outcome']),
    releases: counter('kaha_router_releases_total', 'Devices taken over', ['outcome']),
    positionsRefused: counter('kaha_router_receipts_dropped_total', 'Positions refused'),
    receiptsTold: counter('kaha_router_receipts_told_total', 'Live receipts and unread counts'),
    waitS: histogram('kaha_business_wait_seconds', 'Waits that an assignment ended', WAIT_BUCKETS),
    firstResponseS: histogram(
      'kaha_business_first_response_seconds',
      'Customer wrote until an agent answered',
      WAIT_BUCKETS,
    ),
    resolutionS: histogram(
      'kaha_business_resolution_seconds',
      'Conversation opened until it was closed',
      RESOLUTION_BUCKETS,
    ),
    assignments: counter('kaha_business_assignments_total', 'Assignments', ['reason']),
    stepRefusals: counter('kaha_business_refusals_total', 'Steps of people refused', ['code']),
    sweepFinds: counter('kaha_assignment_sweep_finds_total', 'Steps that the driver has left'),
    awayMessages: counter('kaha_business_away_messages_total', 'Messages out of hours'),
  };
}
