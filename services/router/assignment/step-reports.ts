import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import type { RouterMetrics } from '../router-metrics.ts';

type Metrics = Pick<RouterMetrics, 'waitS' | 'resolutionS' | 'assignments'>;

/** Hears of each step that this router has carried out, counts it, and says what may be due. */
export class StepReports {
  readonly #metrics: Metrics;
  readonly #listeners: (() => void)[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Calls the listener when a business may have something to give out. */
  onDue(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes steps that are committed. */
  tell(changes: readonly InboxChange[] = []): void {
    for (const change of changes) this.#count(change);
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
