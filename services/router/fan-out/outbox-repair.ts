import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { OutboxEntry, OutboxMissed } from '../../../shared/contracts/outbox.ts';
import type { DurableEvents } from '../../../shared/durable-events/durable-event.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Feed } from '../feed/feed.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { deliveryOf, recipientsOf } from './deliveries.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import type { OutboxReports } from './outbox-reports.ts';

const INTERVAL_MS = 2_000;
const JITTER_MS = 1_000;
/**
 * One claim takes at most this many rows, which are repaired side by side, so that they share a
 * batch of the feed. Claims follow each other until no row is left.
 */
const CLAIM_MAX = 200;
/** A lease outlasts a fan-out with all its tries. */
const LEASE_MS = 30_000;
/** The rows of at most this many claims wait for nothing but the feed. */
const BATCHES_OPEN_MAX = 8;
/** At most this many rows wait to be claimed by id. The ordinary claim finds others in 5 s. */
const RESCUES_MAX = 1_000;
/**
 * Repair gives up a user whose queues do not take an event for this long: it voids these queues,
 * and their devices replay from the database.
 */
const GIVE_UP_MS = 6 * 3_600_000;

type Deps = {
  store: AskStore;
  fanOut: FanOut;
  feed: Feed;
  reports: OutboxReports;
  voidQueues: (userId: UserId) => Promise<void>;
  /** Hears of each entry before its event is sent. It is best effort, and may hear of one twice. */
  onRepair: (entry: OutboxEntry) => void;
  /** Repair rests while NATS is away, and until the router knows all queues. */
  isReady: () => boolean;
  metrics: RouterMetrics;
  logger: Logger;
  giveUpMs?: number;
  events?: DurableEvents | undefined;
};

type Course = {
  /** A user got the event who lacked it. */
  hasReached: boolean;
  /** Resolves to whether a user or the feed got the event. Never rejects. */
  ended: Promise<boolean>;
};

/**
 * Finishes fan-outs that this router or another one began. Every 2 to 3 s it claims outbox rows
 * older than 5 s, publishes their events under the same message ids to the users who lack them, and
 * tells the feed of those that it does not have. A claim leases its rows, so that routers share
 * them, and the next rows are claimed while these are on their way. A stream does not store a
 * message id again that it has seen less than 30 s ago, and edges know an event by its id.
 *
 * A pass goes on while users get what they lack, and does not wait for the feed meanwhile. Once the
 * feed does not take an event, the pass feeds no other. So it ends when only the feed lacks events.
 */
export class OutboxRepair {
  readonly #deps: Deps;
  readonly #rescues = new Set<EventId>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;
  /** Postgres showed this time at the last claim. It is NaN before the first. */
  #claimedAtMs = Number.NaN;
  /** The feed has not taken an event of this pass. */
  #isFeedAway = false;
  /** The batches of this pass whose events the feed has not yet answered. */
  readonly #open = new Set<Promise<boolean>>();

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#start();
  }

  /** Claims the rows of these events now instead of after 5 s. */
  rescue(eventIds: readonly EventId[]): void {
    for (const eventId of eventIds) {
      if (this.#rescues.size < RESCUES_MAX) this.#rescues.add(eventId);
    }
    if (this.#running === undefined && !this.#closed) this.#start();
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
    if (!this.#deps.isReady()) {
      this.#rescues.clear();
      return;
    }
    const goesOn = (): boolean => !this.#closed && this.#deps.isReady();
    let repaired = Promise.resolve(true);
    this.#isFeedAway = false;
    try {
      while (goesOn()) {
        const eventIds = this.#takeRescues();
        const entries = await this.#claim(eventIds);
        const hasProgress = await repaired;
        while (this.#open.size >= BATCHES_OPEN_MAX) await Promise.race(this.#open);
        if (entries.length > 0) repaired = this.#repairAll(entries);
        // If no event of a batch came further, the next pass goes on.
        if (!hasProgress || (entries.length === 0 && eventIds === undefined)) break;
      }
    } finally {
      await repaired;
      await Promise.all(this.#open);
    }
  }

  #takeRescues(): EventId[] | undefined {
    if (this.#rescues.size === 0) return undefined;
    const eventIds = [...this.#rescues].slice(0, CLAIM_MAX);
    for (const eventId of eventIds) this.#rescues.delete(eventId);
    return eventIds;
  }

  async #claim(eventIds?: EventId[]): Promise<OutboxEntry[]> {
    const request = { limit: CLAIM_MAX, lease_ms: LEASE_MS };
    const claim = await this.#deps.store(
      'outbox.claim',
      eventIds === undefined ? request : { ...request, event_ids: eventIds },
    );
    if (claim.oldest_at !== undefined) this.#deps.feed.noteOldest(claim.oldest_at);
    if (claim.claimed_at !== undefined) this.#claimedAtMs = Date.parse(claim.claimed_at);
    return claim.entries;
  }

  /**
   * Resolves to whether an event came further. If no user got one, the feed is waited for. Never
   * rejects.
   */
  async #repairAll(entries: readonly OutboxEntry[]): Promise<boolean> {
    const { fanOut, metrics, logger } = this.#deps;
    const courses: Course[] = [];
    await forEachBounded(entries, CLAIM_MAX, async (entry) => {
      await fanOut.room();
      try {
        courses.push(await this.#repair(entry));
      } catch (error) {
        // A row that cannot be read must not keep other events from their queues.
        metrics.repairs.inc({ outcome: 'unreadable' });
        logger.error({ err: error, event: entry.event_id }, 'an owed event cannot be sent');
      }
    });
    const ended = Promise.all(courses.map((course) => course.ended)).then(hasAny);
    this.#open.add(ended);
    void ended.then(() => this.#open.delete(ended));
    return courses.some(({ hasReached }) => hasReached) || ended;
  }

  /** Resolves once the users of the event are settled. */
  async #repair(entry: OutboxEntry): Promise<Course> {
    const { reports, events } = this.#deps;
    const { event_id, is_fed: wasFed = false } = entry;
    // This router has just finished the event, and store does not know yet.
    if (reports.isFinished(event_id)) return { hasReached: false, ended: Promise.resolve(false) };
    this.#deps.onRepair(entry);
    const all = recipientsOf(entry, events);
    const { missed: before = all } = entry;
    const owed = all.filter((userId) => before.includes(userId));
    const delivery = deliveryOf({ ...entry, user_ids: owed }, events);
    const { losses } = reports;
    const feeding = wasFed ? Promise.resolve(true) : this.#feed(all, delivery);
    const missed = await this.#requeue(entry, delivery);
    const hasReached = reports.losses === losses && missed.length < before.length;
    const ended = feeding.then((is_fed) => {
      const hasProgress = missed.length < before.length || is_fed !== wasFed;
      return this.#report({ event_id, missed, is_fed }, { losses, hasProgress });
    });
    return { hasReached, ended };
  }

  /** Returns whether the event came further. */
  #report(
    item: OutboxMissed & { missed: readonly UserId[] },
    { losses, hasProgress }: { losses: number; hasProgress: boolean },
  ): boolean {
    const { reports, metrics } = this.#deps;
    const isCertain = reports.losses === losses;
    const isDone = item.missed.length === 0 && item.is_fed && isCertain;
    metrics.repairs.inc({ outcome: isDone ? 'done' : 'owed' });
    if (isDone) reports.done(item.event_id);
    else if (isCertain && hasProgress) reports.missed(item);
    return isDone || (isCertain && hasProgress);
  }

  /** Nobody is offered an event by a repair, so nobody is told to have taken it. */
  async #feed(all: readonly UserId[], { eventId, facts }: Delivery): Promise<boolean> {
    if (this.#isFeedAway) return false;
    const recipients = all.map((user_id) => ({ user_id, taken: [] }));
    const isFed = await this.#deps.feed.put({ event_id: eventId, recipients, ...facts });
    if (!isFed) this.#isFeedAway = true;
    return isFed;
  }

  /** Returns the users who still lack the event. */
  async #requeue(entry: OutboxEntry, delivery: Delivery): Promise<readonly UserId[]> {
    const missed = await this.#deps.fanOut.requeue(delivery);
    return missed.length > 0 && this.#isGivenUp(entry) ? this.#giveUp(missed) : missed;
  }

  #isGivenUp(entry: OutboxEntry): boolean {
    const changedAtMs = Date.parse(entry.at ?? '');
    return this.#claimedAtMs - changedAtMs > (this.#deps.giveUpMs ?? GIVE_UP_MS);
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

const hasAny = (ended: readonly boolean[]): boolean => ended.includes(true);
