import type { Counter, Histogram } from 'prom-client';
import type { Metrics } from '../../shared/process/metrics.ts';

/** An edge counts these things. Labelled counters are plain maps, which a scrape publishes. */
export type EdgeMetrics = {
  framesIn: Tally;
  framesOut: Tally;
  errors: Tally;
  closes: Tally;
  /** Sockets of slow readers were cut, because all sockets together held too much. */
  readersCut: Tally;
  httpAnswers: Tally;
  /** These upgrades were refused, or connections cut. */
  refused: Tally;
  acks: Tally;
  offers: Tally;
  queueChecks: Tally;
  /** Nobody is told of these items, because too many wait or they were refused. */
  reportsDropped: Tally;
  /**
   * The time runs from the queue taking an event to its frame being handed to the socket. Offers do
   * not count.
   */
  deliverSeconds: Histogram;
  openSeconds: Histogram;
};

/** Counts by one label; `add` is a map lookup. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(label: string, count = 1): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + count);
  }

  publish(counter: Counter, labelName: string): void {
    counter.reset();
    for (const [label, count] of this.#counts) counter.inc({ [labelName]: label }, count);
  }
}

export function createEdgeMetrics(metrics: Metrics): EdgeMetrics {
  const tally = (name: string, help: string, labelName: string): Tally => {
    const counts = new Tally();
    const counter = metrics.counter(name, help, [labelName]);
    Object.assign(counter, { collect: () => counts.publish(counter, labelName) });
    return counts;
  };
  return {
    framesIn: tally('kaha_edge_frames_in_total', 'Frames from clients', 'type'),
    framesOut: tally('kaha_edge_frames_out_total', 'Frames to clients', 'type'),
    errors: tally('kaha_edge_errors_total', 'Errors told to clients', 'code'),
    closes: tally('kaha_edge_closes_total', 'Sockets closed', 'code'),
    readersCut: tally('kaha_edge_readers_cut_total', 'Sockets cut for room', 'what'),
    httpAnswers: tally('kaha_edge_http_answers_total', 'HTTP answers', 'status'),
    refused: tally('kaha_edge_refused_total', 'Upgrades and connections refused', 'reason'),
    acks: tally('kaha_edge_queue_acks_total', 'Acks and naks to JetStream', 'kind'),
    offers: tally('kaha_edge_offers_total', 'Events offered by routers', 'outcome'),
    queueChecks: tally('kaha_edge_queue_checks_total', 'Queues asked for', 'outcome'),
    reportsDropped: tally(
      'kaha_edge_reports_dropped_total',
      'Items that nobody is told of',
      'what',
    ),
    deliverSeconds: metrics.histogram(
      'kaha_edge_deliver_seconds',
      'Queue to socket, sampled; not of offers',
    ),
    openSeconds: metrics.histogram('kaha_edge_session_open_seconds', 'Token known to auth_ok'),
  };
}
