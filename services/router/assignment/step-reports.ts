import type { InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import type { BusinessSignals } from '../businesses/business-signals.ts';
import type { RouterMetrics } from '../router-metrics.ts';

type Metrics = Pick<RouterMetrics, 'waitS' | 'resolutionS' | 'assignments'>;
type Signals = Pick<BusinessSignals, 'tell'>;

/**
 * Hears of each step that this router has carried out, counts it, tells edges of it, and says what
 * may be due.
 */
export class StepReports {
  readonly #metrics: Metrics;
  readonly #signals: Signals;
  readonly #listeners: (() => void)[] = [];

  constructor(metrics: Metrics, signals: Signals) {
    this.#metrics = metrics;
    this.#signals = signals;
  }

  /** Calls the listener when a business may have something to give out. */
  onDue(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes steps that are committed. */
  tell(changes: readonly InboxChange[] = []): void {
    for (const change of changes) {
      this.#count(change);
      this.#signals.tell(change.business_id, { kind: 'step', ...stepOf(change) });
    }
    if (changes.some(({ is_due }) => is_due)) this.tellDue();
  }

  /** A change of agents or settings, which is no step, may have made something possible. */
  tellDue(): void {
    for (const listener of this.#listeners) listener();
  }

  #count({ change, reason, waited_ms, resolution_ms }: InboxChange): void {
    const { assignments, waitS, resolutionS } = this.#metrics;
    if (change === 'assigned') assignments.inc({ reason });
    if (waited_ms !== undefined) waitS.observe(waited_ms / 1_000);
    if (resolution_ms !== undefined) resolutionS.observe(resolution_ms / 1_000);
  }
}

/** Edges get no more of a change than they tell watchers, and judge by. */
function stepOf(change: InboxChange): InboxStep {
  const { business_id, version, conversation_id, before, after, record } = change;
  return { business_id, version, change: change.change, conversation_id, before, after, record };
}
