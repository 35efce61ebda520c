import { setTimeout as delay } from 'node:timers/promises';
import type { EventId } from '../../../shared/ids.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import type { OutboxDone } from './outbox-done.ts';
import type { OutboxRepair } from './outbox-repair.ts';

type Deps = {
  fanOut: FanOut;
  done: OutboxDone;
  repair: OutboxRepair;
  /** Those that are in the outbox still; all of them where it cannot be read. */
  stillOwed: (eventIds: EventId[]) => Promise<EventId[]>;
  metrics: RouterMetrics;
};

/** Altogether less than the 5 s after which repair looks. */
const LOOK_MS = 250;
const LOOKS_MAX = 16;

export type InHand = ReadonlyMap<EventId, Promise<void> | undefined>;
type Last = { before: readonly EventId[] | undefined; inHand: InHand };

/**
 * What the conversations see of fan-out: start one and go on. It is struck off the outbox when
 * every device or its queue has it, and otherwise stays there for repair.
 */
export class OwedFanOuts {
  readonly #deps: Deps;
  readonly #open = new Map<EventId, Promise<void>>();
  #isClosing = false;

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
   * Starts it when all of `before` have settled: those that were `inHand` when that was read, and
   * those in other hands when they are struck off. If that takes 4 s (or they are too many) it
   * stays in the outbox, and repair does it.
   */
  startLast(delivery: Delivery, { before, inHand }: Last): void {
    const run = async (): Promise<void> => {
      if (before !== undefined && (await this.#settled(before, inHand))) await this.#run(delivery);
      else this.#deps.metrics.fanOutsOwed.inc();
    };
    this.#track(delivery, run());
  }

  /** A repeated send whose first fan-out was not finished. */
  rescue(eventIds: EventId[]): void {
    this.#deps.repair.rescue(eventIds);
  }

  /** Whoever waits for others leaves it to repair. */
  async drained(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#open.values());
  }

  #track({ eventId }: Delivery, running: Promise<void>): void {
    this.#open.set(eventId, running);
    void running.then(() => this.#open.delete(eventId));
  }

  async #settled(before: readonly EventId[], inHand: InHand): Promise<boolean> {
    await Promise.all(before.map((eventId) => inHand.get(eventId)));
    let elsewhere = before.filter((eventId) => !inHand.has(eventId));
    for (let looks = 0; elsewhere.length > 0; looks += 1) {
      if (looks === LOOKS_MAX || this.#isClosing) return false;
      await delay(LOOK_MS);
      elsewhere = await this.#deps.stillOwed(elsewhere);
    }
    return true;
  }

  async #run(delivery: Delivery): Promise<void> {
    const { fanOut, done, repair, metrics } = this.#deps;
    const startedAt = performance.now();
    const { losses } = done;
    const missed = await fanOut.deliverLive(delivery);
    metrics.fanOutS.observe((performance.now() - startedAt) / 1_000);
    const isCertain = done.losses === losses;
    if (missed.length === 0 && isCertain) {
      done.add(delivery.eventId);
    } else {
      if (isCertain) repair.noteMissed(delivery.eventId, missed);
      metrics.fanOutsOwed.inc();
    }
  }
}
