import { setTimeout as delay } from 'node:timers/promises';
import { decodeInbox, type LiveEvent } from '../../../shared/contracts/events.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { InboxFull, type InboxMessage } from '../queues/inbox-publisher.ts';
import type { RouterMetrics } from '../router-metrics.ts';

/** One durable event on its way to its users' queues. */
export type Delivery = {
  eventId: EventId;
  userIds: readonly UserId[];
  /** The bytes for all, or each user's own. */
  payload: Uint8Array | ReadonlyMap<UserId, Uint8Array>;
};

type FanOutDeps = {
  /** To the devices that are there: whether all have taken it; undefined where not offered. */
  offer: (userId: UserId, payload: Uint8Array) => Promise<boolean> | undefined;
  publish: (message: InboxMessage) => Promise<void>;
  /** Has the user's live devices look into their queues. */
  signalQueued: (userId: UserId) => void;
  /** A live copy on `user.<user>`, best effort. */
  publishLive: (userId: UserId, event: LiveEvent, isNameless: boolean) => void;
  /** The user's subject is full: deletes the queues that keep it so, and tells their devices. */
  voidDeep: (userId: UserId) => Promise<void>;
  metrics: RouterMetrics;
  logger: Logger;
};

type Job = {
  delivery: Delivery;
  userId: UserId;
  settle: (reached: boolean) => void;
  /** When its devices left it to the queue; undefined where they were not asked. */
  declinedAtMs?: number;
};

/** An edge that refused looks into the queue for longer. */
const STORED_SOON_MS = 50;

/** JetStream's publishes time out when thousands run at once; 64 shards are busy well below. */
const IN_FLIGHT_MAX = 2_048;
/** Above it the conversations wait before they append more. */
const WAITING_HIGH = 8_192;
const TRIES = 3;
const RETRY_DELAY_MS = 300;

/**
 * Brings an event to every participant, in parallel: to the devices that are there, else to the
 * queue. Both happen in the order of `deliver` calls on one connection, and devices refuse in that
 * order, so that events of one conversation enter each queue by `seq`; only a retry may come behind
 * newer ones. Who cannot be reached gets a live copy, and stays owed.
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

  /** Resolves at once while not too much waits. */
  room(): Promise<void> | undefined {
    if (this.waiting < WAITING_HIGH) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** The users who do not have it and whose queue has not taken it. Never rejects. */
  deliver(delivery: Delivery): Promise<UserId[]> {
    return this.#toAll(delivery, (job) => this.#offer(job));
  }

  /** `deliver`, but into the queues right away. */
  requeue(delivery: Delivery): Promise<UserId[]> {
    return this.#toAll(delivery, (job) => void this.#waiting.push(job));
  }

  #toAll(delivery: Delivery, begin: (job: Job) => void): Promise<UserId[]> {
    const { userIds } = delivery;
    return new Promise((resolve) => {
      const missed: UserId[] = [];
      let open = userIds.length;
      if (open === 0) resolve(missed);
      for (const userId of userIds) {
        const settle = (reached: boolean): void => {
          if (!reached) missed.push(userId);
          open -= 1;
          if (open === 0) resolve(missed);
        };
        begin({ delivery, userId, settle });
      }
      this.#pump();
    });
  }

  #offer(job: Job): void {
    const { delivery, userId, settle } = job;
    const payload = payloadFor(delivery, userId);
    const offered = this.#deps.offer(userId, payload);
    if (offered === undefined) {
      this.#waiting.push(job);
      return;
    }
    void offered.then((isTaken) => {
      if (isTaken) {
        settle(true);
        return;
      }
      job.declinedAtMs = Date.now();
      this.#waiting.push(job);
      this.#pump();
    });
  }

  /** `deliver`, then a live copy for those who were missed. */
  async deliverLive(delivery: Delivery): Promise<UserId[]> {
    const missed = await this.deliver(delivery);
    for (const userId of missed) {
      const decoded = decodeInbox(payloadFor(delivery, userId));
      if (decoded === undefined) continue;
      const event: LiveEvent = JSON.parse(new TextDecoder().decode(decoded.body));
      this.#deps.publishLive(userId, event, decoded.header.isNameless === true);
    }
    return missed;
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
        // Now that it is there: a session may have gone live meanwhile.
        const askedAtMs = job.declinedAtMs ?? 0;
        if (Date.now() - askedAtMs > STORED_SOON_MS) this.#deps.signalQueued(userId);
        this.#settle(job, true);
      },
      (error) => void this.#fail(job, { error, tries }),
    );
  }

  #settle(job: Job, reached: boolean): void {
    this.#inFlight -= 1;
    job.settle(reached);
    this.#pump();
  }

  async #fail(job: Job, { error, tries }: { error: unknown; tries: number }): Promise<void> {
    const { metrics, logger, voidDeep } = this.#deps;
    metrics.publishFailures.inc();
    const isSubjectFull = error instanceof InboxFull && error.what === 'subject';
    if (tries >= TRIES || (error instanceof InboxFull && !isSubjectFull)) {
      logger.warn({ err: error, tries }, 'fan-out stays owed');
      this.#settle(job, false);
      return;
    }
    if (isSubjectFull) {
      // Its deep queues are void now; those of other devices still want this event.
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
