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

export type InHand = ReadonlyMap<EventId, Promise<void> | undefined>;
type Last = { before: readonly EventId[] | undefined; inHand: InHand };

/**
 * What the conversations see of fan-out: start one and go on. It is struck off the outbox when
 * every queue has taken it, and otherwise stays there for repair.
 */
export class OwedFanOuts {
  readonly #deps: Deps;
  readonly #open = new Map<EventId, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Waits while too many publishes do. */
  room(): Promise<void> | undefined {
    return this.#deps.fanOut.room();
  }

  start(delivery: Delivery): void {
    this.#track(delivery, this.#run(delivery));
  }

  /** The events in our hands: with the end of their fan-out, where it has not come yet. */
  inHand(): InHand {
    const inHand = new Map<EventId, Promise<void> | undefined>(this.#open);
    for (const eventId of this.#deps.done.ids()) inHand.set(eventId, undefined);
    return inHand;
  }

  /**
   * Starts it when all of `before` have settled, which were `inHand` when that was read. Where one
   * was in other hands (or they are too many) it stays in the outbox: repair comes 5 s later.
   */
  startLast(delivery: Delivery, { before, inHand }: Last): void {
    if (before?.every((eventId) => inHand.has(eventId)) !== true) {
      this.#deps.metrics.fanOutsOwed.inc();
      return;
    }
    const settled = Promise.all(before.map((eventId) => inHand.get(eventId)));
    this.#track(
      delivery,
      settled.then(() => this.#run(delivery)),
    );
  }

  /** A repeated send whose first fan-out was not finished. */
  rescue(eventIds: EventId[]): void {
    this.#deps.repair.rescue(eventIds);
  }

  async drained(): Promise<void> {
    await Promise.all(this.#open.values());
  }

  #track({ eventId }: Delivery, running: Promise<void>): void {
    this.#open.set(eventId, running);
    void running.then(() => this.#open.delete(eventId));
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
