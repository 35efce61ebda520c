import { setTimeout as delay } from 'node:timers/promises';
import { encodeLiveCopy } from '../../../shared/contracts/events.ts';
import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { QueueFull, type QueueMessage } from '../queues/queue-publisher.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { FanOutResults } from './fan-out-results.ts';
import type { Answers } from './offers.ts';

/** A delivery is one durable event on its way to the devices and queues of its users. */
export type Delivery = {
  eventId: EventId;
  userIds: readonly UserId[];
  /** The payload is the same bytes for all users, or a map with the bytes of each user. */
  payload: Uint8Array | ReadonlyMap<UserId, Uint8Array>;
  /** The feed tells this of the event. */
  facts: Omit<FeedEvent, 'event_id' | 'recipients'>;
};

type FanOutDeps = {
  /**
   * Offers the event to the devices that are there. The promise tells whether all of them have
   * taken it. The result is undefined if the event was not offered. `answers` hears what each
   * device answered.
   */
  offer: (userId: UserId, payload: Uint8Array, answers: Answers) => Promise<boolean> | undefined;
  publish: (message: QueueMessage) => Promise<void>;
  /** Tells the user's live devices to look into their queues. */
  signalQueued: (userId: UserId) => void;
  /** Publishes a live copy on `user.<user>`, best effort. */
  publishLive: (userId: UserId, payload: Uint8Array) => void;
  /**
   * Makes room on the subject of a user that is full: deletes the queues that keep it full, and
   * tells their devices.
   */
  voidDeep: (userId: UserId) => Promise<void>;
  metrics: RouterMetrics;
  logger: Logger;
};

type Job = {
  delivery: Delivery;
  userId: UserId;
  results: FanOutResults;
  /** The devices left the event to the queue at this time. It is undefined without an offer. */
  declinedAtMs?: number;
};

/** An edge that refused an offer keeps looking into the queue for longer than this. */
const STORED_SOON_MS = 50;

/** A publish to JetStream times out when thousands run at once. Far fewer keep 64 shards busy. */
const IN_FLIGHT_MAX = 2_048;
/** While this many publishes wait, the conversations wait too before they append more. */
const WAITING_HIGH = 8_192;
const TRIES = 3;
const RETRY_DELAY_MS = 300;

/**
 * Brings an event to all participants in parallel. It offers the event to the devices that are
 * there, and publishes it to the user's queues if they do not take it. Offers and publishes leave
 * in the order of the `deliver` calls on one connection, and devices refuse offers in that order.
 * So events of one conversation enter each queue by `seq`; only a retry may come behind newer
 * events. In the first fan-out, a user whom neither way reaches gets a live copy, and the event
 * stays owed to them.
 */
export class FanOut {
  readonly #deps: FanOutDeps;
  #waiting: Job[] = [];
  #next = 0;
  #inFlight = 0;
  #roomWaiters: (() => void)[] = [];

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves once fewer than 8192 publishes wait. The result is undefined if that is so now. */
  room(): Promise<void> | undefined {
    if (this.waiting < WAITING_HIGH) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /**
   * Offers the event to the devices that are there, and publishes it to the queues of users whose
   * devices do not take it. Users who have the event neither way are sent a live copy.
   */
  deliver(delivery: Delivery): FanOutResults {
    const results = this.#toAll(delivery, (job) => this.#offer(job));
    void results.settled.then((missed) => {
      for (const userId of missed) this.#sendLive(delivery, userId);
    });
    return results;
  }

  /**
   * Publishes the event to the queues, without an offer and without a live copy. Returns the users
   * whose queues do not have it. Never rejects.
   */
  requeue(delivery: Delivery): Promise<readonly UserId[]> {
    return this.#toAll(delivery, (job) => void this.#waiting.push(job)).settled;
  }

  #toAll(delivery: Delivery, begin: (job: Job) => void): FanOutResults {
    const results = new FanOutResults(delivery.userIds.length);
    for (const userId of delivery.userIds) begin({ delivery, userId, results });
    this.#pump();
    return results;
  }

  #offer(job: Job): void {
    const { delivery, userId, results } = job;
    const offered = this.#deps.offer(userId, payloadFor(delivery, userId), results);
    if (offered === undefined) {
      this.#waiting.push(job);
      return;
    }
    void offered.then((isTaken) => {
      if (isTaken) {
        results.settle(userId, true);
        return;
      }
      job.declinedAtMs = Date.now();
      this.#waiting.push(job);
      this.#pump();
    });
  }

  #sendLive(delivery: Delivery, userId: UserId): void {
    const copy = encodeLiveCopy(payloadFor(delivery, userId));
    if (copy !== undefined) this.#deps.publishLive(userId, copy);
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX && this.#next < this.#waiting.length) {
      const job = this.#waiting[this.#next] as Job;
      this.#next += 1;
      this.#inFlight += 1;
      this.#start(job, 1);
    }
    if (this.#next === this.#waiting.length && this.#next > 0) {
      this.#waiting = [];
      this.#next = 0;
    }
    if (this.#roomWaiters.length > 0 && this.waiting < WAITING_HIGH) {
      const waiters = this.#roomWaiters;
      this.#roomWaiters = [];
      for (const resolve of waiters) resolve();
    }
  }

  #start(job: Job, tries: number): void {
    const { delivery, userId } = job;
    const payload = payloadFor(delivery, userId);
    this.#deps.publish({ userId, payload, msgId: `${delivery.eventId}:${userId}` }).then(
      () => {
        // A session may have gone live before the queue had the event, so it must look again.
        const askedAtMs = job.declinedAtMs ?? 0;
        if (Date.now() - askedAtMs > STORED_SOON_MS) this.#deps.signalQueued(userId);
        this.#settle(job, true);
      },
      (error) => void this.#fail(job, { error, tries }),
    );
  }

  #settle(job: Job, reached: boolean): void {
    this.#inFlight -= 1;
    job.results.settle(job.userId, reached);
    this.#pump();
  }

  async #fail(job: Job, { error, tries }: { error: unknown; tries: number }): Promise<void> {
    const { metrics, logger, voidDeep } = this.#deps;
    metrics.publishFailures.inc();
    const isSubjectFull = error instanceof QueueFull && error.what === 'subject';
    if (tries >= TRIES || (error instanceof QueueFull && !isSubjectFull)) {
      logger.warn({ err: error, tries }, 'fan-out stays owed');
      this.#settle(job, false);
      return;
    }
    if (isSubjectFull) {
      // The queues that kept the subject full are gone. The user's other queues want this event.
      await voidDeep(job.userId).catch((cause) => {
        logger.warn({ err: cause }, 'a full queue could not be deleted');
      });
    }
    await delay(RETRY_DELAY_MS * tries);
    this.#start(job, tries + 1);
  }
}

function payloadFor({ payload }: Delivery, userId: UserId): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  const own = payload.get(userId);
  if (own === undefined) throw new Error('a delivery without a payload for one of its users');
  return own;
}
