import type { Bus } from '../../../shared/nats/bus.ts';
import { answerMany } from '../../../shared/nats/reply-mux.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';

type Deps = { bus: Bus; metrics: EdgeMetrics };

const encoder = new TextEncoder();
/** An offer has two outcomes: the client has the event, or the queue is to take it. */
const TAKEN = '+';
const QUEUE = encoder.encode('-');

/**
 * Tells routers what became of their offers. Answers of `taken` go out in bursts, and each refusal
 * by itself.
 */
export class OfferAnswers {
  readonly #deps: Deps;
  #taken: string[] = [];

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The answer goes out with the connection's next write. */
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
