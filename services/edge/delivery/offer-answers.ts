import type { Bus } from '../../../shared/nats/bus.ts';
import { answerMany } from '../../../shared/nats/reply-mux.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';

type Deps = { bus: Bus; metrics: EdgeMetrics };

const encoder = new TextEncoder();
/** What becomes of an offer: the client has it, or the queue is to take it. */
const TAKEN = '+';
const QUEUE = encoder.encode('-');

/** What routers hear of what they offered: that it was taken in bursts, each refusal for itself. */
export class OfferAnswers {
  readonly #deps: Deps;
  #taken: string[] = [];

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Goes out with the connection's next write. */
  taken(asker: string): void {
    this.#deps.metrics.offers.add('taken');
    this.#taken.push(asker);
    if (this.#taken.length === 1) this.#deps.bus.beforeWrite(() => this.#flush());
  }

  toQueue(asker: string, why: string): void {
    this.#deps.metrics.offers.add(why);
    this.#deps.bus.publish(asker, QUEUE);
  }

  #flush(): void {
    const taken = this.#taken;
    this.#taken = [];
    for (const { subject, payload } of answerMany(taken, TAKEN)) {
      this.#deps.bus.publish(subject, payload);
    }
  }
}
