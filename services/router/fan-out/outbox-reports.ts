import { setTimeout as delay } from 'node:timers/promises';
import type { OutboxMissed } from '../../../shared/contracts/outbox.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';

const TICK_MS = 100;
const ITEMS_MAX = 500;
/** The items of one request name at most this many users, who take 195 KB. */
const USERS_MAX = 5_000;
/**
 * At most this many reports wait. A store that is frozen lets fewer pile up within its deadline. A
 * report beyond it is dropped, and repair fans its event out again.
 */
const HELD_MAX = 50_000;
const USERS_HELD_MAX = 200_000;
const TRIES = 3;
const RETRY_DELAY_MS = 500;

type Deps = { store: AskStore; metrics: RouterMetrics; logger: Logger };
type Lack = OutboxMissed & { missed: readonly UserId[] };
/** The report of a finished event is its id. */
type Report = EventId | Lack;

/**
 * Reports to store, in batches of ≤ 500, what has become of events that were owed. Store strikes a
 * finished event off the outbox. Of another event it notes which users lack it, and whether the
 * feed has it. Each report is held for one more tick of 100 ms, because JetStream answers before it
 * writes an event to disk. If the NATS server is killed before it wrote an event, `forget` drops
 * the report, and the event stays owed as it was. A report that is lost here costs a second
 * fan-out, and never a message.
 */
export class OutboxReports {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #recent: Report[] = [];
  #due: Report[] = [];
  /** This map has the last report of each event, until store has answered that report. */
  readonly #held = new Map<EventId, Report>();
  #reportsHeld = 0;
  readonly #sending = new Set<Promise<void>>();
  #usersHeld = 0;
  #losses = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Counts the reports that store has not answered. */
  get held(): number {
    return this.#reportsHeld;
  }

  /**
   * Counts the calls of `forget`. If the count has risen since a fan-out began, nobody knows which
   * queues still hold the event, so the event stays owed to all its users.
   */
  get losses(): number {
    return this.#losses;
  }

  /** Tells whether this event is finished, and store has not yet answered the report of that. */
  isFinished(eventId: EventId): boolean {
    return this.#held.get(eventId) === eventId;
  }

  /** Returns the events that all users have, and of which store may not have heard. */
  settled(): EventId[] {
    return [...this.#held].flatMap(([eventId, report]) => (usersIn(report) === 0 ? eventId : []));
  }

  /** Reports that all users and the feed have the event. */
  done(eventId: EventId): void {
    this.#add(eventId, eventId);
  }

  /** Reports what an event lacks. */
  missed(item: Lack): void {
    this.#add(item.event_id, item);
  }

  /**
   * Drops the reports that are not on their way. The router calls this when it loses its connection
   * to NATS, which may not have written the events that it took last.
   */
  forget(): void {
    this.#losses += 1;
    for (const report of [...this.#recent, ...this.#due]) this.#drop(report);
    this.#recent = [];
    this.#due = [];
  }

  /** Makes the reports that are left. It tries each batch at most three times. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    this.#tick();
    await Promise.all(this.#sending);
  }

  #add(eventId: EventId, report: Report): void {
    const users = usersIn(report);
    if (this.#reportsHeld >= HELD_MAX || this.#usersHeld + users > USERS_HELD_MAX) {
      this.#deps.metrics.reportsDropped.inc();
      return;
    }
    this.#held.set(eventId, report);
    this.#reportsHeld += 1;
    this.#usersHeld += users;
    this.#recent.push(report);
  }

  #drop(report: Report): void {
    this.#deps.metrics.reportsDropped.inc();
    this.#release(report);
  }

  #release(report: Report): void {
    const eventId = eventOf(report);
    if (this.#held.get(eventId) === report) this.#held.delete(eventId);
    this.#reportsHeld -= 1;
    this.#usersHeld -= usersIn(report);
  }

  #tick(): void {
    const due = this.#due;
    this.#due = this.#recent;
    this.#recent = [];
    const { store } = this.#deps;
    for (const event_ids of batchesOf(due.filter(isDone))) {
      this.#send(event_ids, () => store('outbox.done', { event_ids }));
    }
    for (const items of batchesOf(due.filter(isOwed))) {
      this.#send(items, () => store('outbox.missed', { items }));
    }
  }

  #send(batch: readonly Report[], ask: () => Promise<unknown>): void {
    const sending = this.#ask(batch, ask);
    this.#sending.add(sending);
    void sending.then(() => this.#sending.delete(sending));
  }

  async #ask(batch: readonly Report[], ask: () => Promise<unknown>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await ask();
        for (const report of batch) this.#release(report);
        return;
      } catch (error) {
        if (tries >= TRIES) {
          for (const report of batch) this.#drop(report);
          this.#deps.logger.warn({ err: error, count: batch.length }, 'outbox rows stay');
          return;
        }
        await delay(RETRY_DELAY_MS * tries);
      }
    }
  }
}

function isDone(report: Report): report is EventId {
  return typeof report === 'string';
}

function isOwed(report: Report): report is Lack {
  return typeof report !== 'string';
}

function eventOf(report: Report): EventId {
  return isDone(report) ? report : report.event_id;
}

/** Counts the users whom the report names. */
function usersIn(report: Report): number {
  return isDone(report) ? 0 : report.missed.length;
}

/** Divides the reports into batches of at most 500, which name at most 5000 users. */
function batchesOf<Kind extends Report>(reports: readonly Kind[]): Kind[][] {
  const batches: Kind[][] = [];
  let batch: Kind[] = [];
  let users = 0;
  for (const report of reports) {
    users += usersIn(report);
    if (batch.length === 0 || batch.length === ITEMS_MAX || users > USERS_MAX) {
      batch = [];
      batches.push(batch);
      users = usersIn(report);
    }
    batch.push(report);
  }
  return batches;
}
