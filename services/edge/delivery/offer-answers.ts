import { OFFER_ANSWERS } from '../../../shared/contracts/offer-answers.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { answerMany } from '../../../shared/nats/reply-mux.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';

type Deps = { bus: Bus; metrics: EdgeMetrics };

const QUEUE = new TextEncoder().encode(OFFER_ANSWERS.queue);

/**
 * Tells routers what became of their offers. Answers of `taken` go out in bursts, one burst for
 * clients in use and one for the others, and each refusal goes out by itself.
 */
export class OfferAnswers {
  readonly #deps: Deps;
  #taken: string[] = [];
  #takenInUse: string[] = [];

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The answer goes out with the connection's next write. */
  taken(asker: string, isInUse: boolean): void {
    this.#deps.metrics.offers.add('taken');
    if (this.#taken.length + this.#takenInUse.length === 0) {
      this.#deps.bus.beforeWrite(() => this.#flush());
    }
    (isInUse ? this.#takenInUse : this.#taken).push(asker);
  }

  toQueue(asker: string, why: string): void {
    this.#deps.metrics.offers.add(why);
    this.#deps.bus.publish(asker, QUEUE);
  }

  #flush(): void {
    const taken = answerMany(this.#taken, OFFER_ANSWERS.taken);
    const takenInUse = answerMany(this.#takenInUse, OFFER_ANSWERS.takenInUse);
    this.#taken = [];
    this.#takenInUse = [];
    for (const { subject, payload } of taken) this.#deps.bus.publish(subject, payload);
    for (const { subject, payload } of takenInUse) this.#deps.bus.publish(subject, payload);
  }
}
