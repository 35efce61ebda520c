import type { Metrics } from '../../shared/process/metrics.ts';

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
    trySeconds: histogram('kaha_push_try_seconds', 'Time of a try'),
    gauge,
  };
}
