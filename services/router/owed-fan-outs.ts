import type { EventId } from '../../shared/ids.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import type { OutboxDone } from './outbox-done.ts';
import type { OutboxRepair } from './outbox-repair.ts';
import type { RouterMetrics } from './router-metrics.ts';

type Deps = {
  fanOut: FanOut;
  done: OutboxDone;
  repair: OutboxRepair;
  metrics: RouterMetrics;
};

/**
 * What the conversations see of fan-out: start one and go on. It is struck off the outbox when
 * every queue has taken it, and otherwise stays there for repair.
 */
export class OwedFanOuts {
  readonly #deps: Deps;
  readonly #open = new Set<Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Waits while too many publishes do. */
  room(): Promise<void> | undefined {
    return this.#deps.fanOut.room();
  }

  start(delivery: Delivery): void {
    const running = this.#run(delivery);
    this.#open.add(running);
    void running.then(() => this.#open.delete(running));
  }

  /** A repeated send whose first fan-out was not finished. */
  rescue(eventIds: EventId[]): void {
    this.#deps.repair.rescue(eventIds);
  }

  async drained(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #run(delivery: Delivery): Promise<void> {
    const { fanOut, done, repair, metrics } = this.#deps;
    const startedAt = performance.now();
    const missed = await fanOut.deliverLive(delivery);
    metrics.fanOutS.observe((performance.now() - startedAt) / 1_000);
    if (missed.length === 0) {
      done.add(delivery.eventId);
    } else {
      repair.noteMissed(delivery.eventId, missed);
      metrics.fanOutsOwed.inc();
    }
  }
}
