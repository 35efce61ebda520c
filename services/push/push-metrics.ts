import type { Metrics } from '../../shared/process/metrics.ts';

/** An alert that needs no second try is answered after 5 to 6 s. */
const ALERT_BUCKETS_S = [1, 2.5, 5, 5.25, 5.5, 6, 7, 8, 10, 15, 30, 60, 300, 900];

export type PushMetrics = ReturnType<typeof createPushMetrics>;

export function createPushMetrics(metrics: Metrics) {
  const { counter, histogram, gauge } = metrics;
  return {
    /** `PushAnswer` explains `answer`. `reason` is one of a few words. */
    answers: counter('kaha_push_answers_total', 'Answers to tries', [
      ...['provider', 'answer', 'reason'],
    ]),
    /** `outcome` is sent or dropped, and `DropReason` explains `reason`. */
    outcomes: counter('kaha_push_outcomes_total', 'What became of pushes', [
      ...['provider', 'outcome', 'reason'],
    ]),
    /** `Spared` explains `reason`. */
    spared: counter('kaha_push_spared_total', 'Alerts that devices were not due', ['reason']),
    /** Devices wait 5 s of this for the message itself. */
    alertSeconds: histogram(
      ...(['kaha_push_alert_seconds', 'From a message to the answer to its push'] as const),
      ALERT_BUCKETS_S,
    ),
    trySeconds: histogram('kaha_push_try_seconds', 'Time of a try'),
    gauge,
  };
}
