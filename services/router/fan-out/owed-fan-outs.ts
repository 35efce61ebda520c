import { setTimeout as delay } from 'node:timers/promises';
import type { EventId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Feed } from '../feed/feed.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import type { FanOutResults } from './fan-out-results.ts';
import type { OutboxRepair } from './outbox-repair.ts';
import type { OutboxReports } from './outbox-reports.ts';

type Deps = {
  fanOut: FanOut;
  feed: Feed;
  reports: OutboxReports;
  repair: OutboxRepair;
  /** Returns the events that the outbox still holds, or all of them if it cannot be read. */
  stillOwed: (eventIds: EventId[]) => Promise<EventId[]>;
  metrics: RouterMetrics;
};

/** All looks together take less than the 5 s after which repair claims a row. */
const LOOK_MS = 250;
const LOOKS_MAX = 16;

type Course = {
  /** Resolves when all users are settled. */
  settled: Promise<unknown>;
  /** Resolves when the feed has answered too. */
  ended: Promise<unknown>;
};
export type InHand = ReadonlyMap<EventId, Promise<unknown> | undefined>;
type Last = { before: readonly EventId[] | undefined; inHand: InHand };

/**
 * Starts fan-outs for the conversations, which do not wait for the end. The feed is told of an
 * event once all devices have answered, even if some users are missed. The event is struck off the
 * outbox once all devices, or their queues, and the feed have it. Otherwise its row stays there for
 * repair.
 */
export class OwedFanOuts {
  readonly #deps: Deps;
  readonly #open = new Map<EventId, Course>();
  #isClosing = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Resolves once the fan-out has room for more. The result is undefined if it has room now. */
  room(): Promise<void> | undefined {
    return this.#deps.fanOut.room();
  }

  start(delivery: Delivery): void {
    this.#track(delivery.eventId, this.#run(delivery));
  }

  /**
   * Returns the events that this router is bringing to users and the feed, or striking off. The
   * value of an event resolves when its users are settled, and is undefined if they are.
   */
  inHand(): InHand {
    const inHand = new Map<EventId, Promise<unknown> | undefined>();
    for (const [eventId, { settled }] of this.#open) inHand.set(eventId, settled);
    for (const eventId of this.#deps.reports.settled()) inHand.set(eventId, undefined);
    return inHand;
  }

  /**
   * Starts a fan-out once all events of `before` have settled. An event that `inHand` holds settles
   * when its users are settled, and an event of another router when it is struck off the outbox. If
   * that takes longer than 4 s, or `before` is undefined because these events are too many, the
   * event stays in the outbox for repair. 4 s are enough for a device that does not answer, because
   * such an event is struck off within 2.5 s.
   */
  startLast(delivery: Delivery, last: Last): void {
    const course = this.#runLast(delivery, last);
    this.#track(delivery.eventId, {
      settled: course.then((begun) => begun?.settled),
      ended: course.then((begun) => begun?.ended),
    });
  }

  /**
   * Asks repair to finish events whose send was repeated before their fan-out was finished. It
   * leaves out the events that this router has in hand.
   */
  rescue(eventIds: readonly EventId[]): void {
    const { reports, repair } = this.#deps;
    const isInHand = (eventId: EventId) => this.#open.has(eventId) || reports.isFinished(eventId);
    const left = eventIds.filter((eventId) => !isInHand(eventId));
    if (left.length > 0) repair.rescue(left);
  }

  /**
   * Resolves when all fan-outs have ended and the feed has answered. Those that wait for others are
   * left to repair.
   */
  async drained(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(Array.from(this.#open.values(), ({ ended }) => ended));
  }

  #track(eventId: EventId, course: Course): void {
    this.#open.set(eventId, course);
    void course.ended.then(() => this.#open.delete(eventId));
  }

  async #runLast(delivery: Delivery, { before, inHand }: Last): Promise<Course | undefined> {
    if (before !== undefined && (await this.#settled(before, inHand))) return this.#run(delivery);
    this.#deps.metrics.fanOutsOwed.inc();
    return undefined;
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

  #run(delivery: Delivery): Course {
    const { losses } = this.#deps.reports;
    const results = this.#deps.fanOut.deliver(delivery);
    return { settled: results.settled, ended: this.#finish(delivery, results, losses) };
  }

  /** Keeps no payload while devices and the feed are waited for. */
  async #finish(
    { eventId: event_id, facts }: Delivery,
    results: FanOutResults,
    losses: number,
  ): Promise<void> {
    const { feed, reports, metrics } = this.#deps;
    const startedAt = steadyMs();
    const missed = await results.settled;
    metrics.fanOutS.observe((steadyMs() - startedAt) / 1_000);
    const recipients = await results.answered;
    const is_fed = await feed.put({ event_id, recipients, ...facts });
    const isCertain = reports.losses === losses;
    if (missed.length === 0 && is_fed && isCertain) {
      reports.done(event_id);
      return;
    }
    metrics.fanOutsOwed.inc();
    const hasProgress = missed.length < recipients.length || is_fed;
    if (isCertain && hasProgress) reports.missed({ event_id, missed, is_fed });
  }
}
