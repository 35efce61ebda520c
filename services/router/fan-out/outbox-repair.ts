import { LRUCache } from 'lru-cache';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { DurableEvents } from '../../../shared/durable-events/durable-event.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Feed } from '../feed/feed.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { deliveryOf } from './durable-events.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import type { OutboxDone } from './outbox-done.ts';

/** These users lack the event, and perhaps the feed does too. */
type Lack = { missed: readonly UserId[]; isFed: boolean };

const INTERVAL_MS = 2_000;
const JITTER_MS = 1_000;
/** One claim takes at most this many rows. Claims follow each other until no row is left. */
const CLAIM_MAX = 200;
/** A lease outlasts a fan-out with all its tries. */
const LEASE_MS = 30_000;
const CONCURRENCY_MAX = 32;
/** At most this many rows wait to be claimed by id. The ordinary claim finds others in 5 s. */
const RESCUES_MAX = 1_000;
/**
 * For at most this many events, repair remembers what they lack. An event that it has forgotten
 * goes to all users and the feed again.
 */
const LACKS_MAX = 20_000;
/**
 * Repair gives up a user whose queues do not take an event for this long: it voids these queues,
 * and their devices replay from the database.
 */
const GIVE_UP_MS = 6 * 3_600_000;

type Deps = {
  store: AskStore;
  fanOut: FanOut;
  feed: Feed;
  done: OutboxDone;
  voidQueues: (userId: UserId) => Promise<void>;
  /** Repair rests while NATS is away. */
  isConnected: () => boolean;
  metrics: RouterMetrics;
  logger: Logger;
  giveUpMs?: number;
  events?: DurableEvents | undefined;
};

/**
 * Finishes fan-outs that this router or another one began. Every 2 to 3 s it claims outbox rows
 * older than 5 s, publishes their events under the same message ids, and strikes the rows off. A
 * claim leases its rows, so that routers share them. A stream does not store a message id again
 * that it has seen less than 30 s ago, and edges know an event by its id.
 */
export class OutboxRepair {
  readonly #deps: Deps;
  readonly #rescues = new Set<EventId>();
  readonly #lacks = new LRUCache<EventId, Lack>({ max: LACKS_MAX });
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#schedule();
  }

  /** Claims the rows of these events now instead of after 5 s. */
  rescue(eventIds: readonly EventId[]): void {
    for (const eventId of eventIds) {
      if (this.#rescues.size < RESCUES_MAX) this.#rescues.add(eventId);
    }
    if (this.#running === undefined && !this.#closed) this.#start();
  }

  /**
   * Notes what an event lacks, so that repair does not bring it to all others over and over during
   * a long outage.
   */
  note(eventId: EventId, lack: Lack): void {
    this.#lacks.set(eventId, lack);
  }

  /**
   * Forgets which users have which events. The router calls this when it loses its connection to
   * NATS: a queue that had an event may have lost it.
   */
  forget(): void {
    this.#lacks.clear();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#start(), INTERVAL_MS + Math.random() * JITTER_MS);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#running = this.#pass()
      .catch((error) => this.#deps.logger.debug({ err: error }, 'nothing claimed'))
      .then(() => {
        this.#running = undefined;
        if (this.#rescues.size > 0 && !this.#closed) this.#start();
        else this.#schedule();
      });
  }

  async #pass(): Promise<void> {
    if (!this.#deps.isConnected()) {
      this.#rescues.clear();
      return;
    }
    const eventIds = [...this.#rescues].slice(0, CLAIM_MAX);
    for (const eventId of eventIds) this.#rescues.delete(eventId);
    if (eventIds.length > 0) await this.#claim(eventIds);
    const goesOn = (): boolean => !this.#closed && this.#deps.isConnected();
    while (goesOn() && (await this.#claim()) > 0);
  }

  async #claim(eventIds?: EventId[]): Promise<number> {
    const { store, feed, metrics, logger } = this.#deps;
    const request = { limit: CLAIM_MAX, lease_ms: LEASE_MS };
    const { entries, oldest_at: oldestAt } = await store(
      'outbox.claim',
      eventIds === undefined ? request : { ...request, event_ids: eventIds },
    );
    if (oldestAt !== undefined) feed.noteOldest(oldestAt);
    await forEachBounded(entries, CONCURRENCY_MAX, async (entry) => {
      try {
        await this.#repair(entry);
      } catch (error) {
        // A row that cannot be read must not keep other events from their queues.
        metrics.repairs.inc({ outcome: 'unreadable' });
        logger.error({ err: error, event: entry.event_id }, 'an owed event cannot be sent');
      }
    });
    return entries.length;
  }

  async #repair(entry: OutboxEntry): Promise<void> {
    const { done, metrics } = this.#deps;
    const { event_id: eventId } = entry;
    const delivery = deliveryOf(entry, this.#deps.events);
    const before = this.#lacks.get(eventId);
    const { losses } = done;
    const [isFed, missed] = await Promise.all([
      before?.isFed === true || this.#feed(delivery),
      this.#requeue(entry, delivery, before),
    ]);
    if (done.losses !== losses) {
      metrics.repairs.inc({ outcome: 'owed' });
      return;
    }
    const isDone = missed.length === 0 && isFed;
    metrics.repairs.inc({ outcome: isDone ? 'done' : 'owed' });
    if (!isDone) {
      this.note(eventId, { missed, isFed });
    } else {
      this.#lacks.delete(eventId);
      done.add(eventId);
    }
  }

  /** Nobody is offered an event by a repair, so nobody is told to have taken it. */
  #feed({ eventId, userIds, facts }: Delivery): Promise<boolean> {
    const recipients = userIds.map((userId) => ({ user_id: userId, taken: [] }));
    return this.#deps.feed.put({ ...facts, event_id: eventId, recipients });
  }

  /** Returns the users who still lack the event. */
  async #requeue(
    entry: OutboxEntry,
    delivery: Delivery,
    before: Lack | undefined,
  ): Promise<readonly UserId[]> {
    const { userIds } = delivery;
    const owed = before ? userIds.filter((userId) => before.missed.includes(userId)) : userIds;
    const missed = await this.#deps.fanOut.requeue({ ...delivery, userIds: owed });
    return missed.length > 0 && this.#isGivenUp(entry) ? this.#giveUp(missed) : missed;
  }

  #isGivenUp(entry: OutboxEntry): boolean {
    const changedAt = Date.parse(entry.at ?? '');
    return Date.now() - changedAt > (this.#deps.giveUpMs ?? GIVE_UP_MS);
  }

  /** Voids the queues of these users, and returns the users whose queues could not be deleted. */
  async #giveUp(missed: readonly UserId[]): Promise<UserId[]> {
    const left: UserId[] = [];
    for (const userId of missed) {
      try {
        await this.#deps.voidQueues(userId);
      } catch (error) {
        this.#deps.logger.warn({ err: error }, 'a queue given up could not be deleted');
        left.push(userId);
      }
    }
    return left;
  }
}
