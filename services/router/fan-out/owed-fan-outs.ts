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
  /** Returns the events that the outbox still holds, or all of them if it cannot be read. */
  stillOwed: (eventIds: EventId[]) => Promise<EventId[]>;
  metrics: RouterMetrics;
};

/** All looks together take less than the 5 s after which repair claims a row. */
const LOOK_MS = 250;
const LOOKS_MAX = 16;

export type InHand = ReadonlyMap<EventId, Promise<void> | undefined>;
type Last = { before: readonly EventId[] | undefined; inHand: InHand };

/**
 * Starts fan-outs for the conversations, which do not wait for the end. An event is struck off the
 * outbox once all devices, or their queues, have it. Otherwise its row stays there for repair.
 */
export class OwedFanOuts {
  readonly #deps: Deps;
  readonly #open = new Map<EventId, Promise<void>>();
  #isClosing = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Resolves once the fan-out has room for more. The result is undefined if it has room now. */
  room(): Promise<void> | undefined {
    return this.#deps.fanOut.room();
  }

  start(delivery: Delivery): void {
    this.#track(delivery, this.#run(delivery));
  }

  /**
   * Returns the events that this router is bringing to users or striking off. The value of an event
   * is the end of its fan-out, or undefined if the fan-out has ended.
   */
  inHand(): InHand {
    const inHand = new Map<EventId, Promise<void> | undefined>(this.#open);
    for (const eventId of this.#deps.done.ids()) inHand.set(eventId, undefined);
    return inHand;
  }

  /**
   * Starts a fan-out once all events of `before` have settled. An event that `inHand` holds settles
   * when its fan-out ends, and an event of another router when it is struck off the outbox. If that
   * takes longer than 4 s, or `before` is undefined because these events are too many, the event
   * stays in the outbox for repair.
   */
  startLast(delivery: Delivery, { before, inHand }: Last): void {
    const run = async (): Promise<void> => {
      if (before !== undefined && (await this.#settled(before, inHand))) await this.#run(delivery);
      else this.#deps.metrics.fanOutsOwed.inc();
    };
    this.#track(delivery, run());
  }

  /** Asks repair to finish events whose send was repeated before their fan-out was finished. */
  rescue(eventIds: EventId[]): void {
    this.#deps.repair.rescue(eventIds);
  }

  /** Resolves when all fan-outs have ended. Those that wait for others are left to repair. */
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
    const missed = await fanOut.deliver(delivery);
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
