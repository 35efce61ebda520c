import type { BusinessSignal } from '../../../shared/contracts/business-signals.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';

/**
 * Tells the edges that watch a business of a change. A signal is best effort: edges read again
 * every so often what they watch.
 */
export class BusinessSignals {
  readonly #bus: Pick<Bus, 'publish'>;

  constructor(bus: Pick<Bus, 'publish'>) {
    this.#bus = bus;
  }

  /** Call it once the change is committed. */
  tell(businessId: BusinessId, signal: BusinessSignal): void {
    this.#bus.publish(subjects.business(businessId), JSON.stringify(signal));
  }
}
