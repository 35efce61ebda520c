import type { EventId } from '../../../shared/ids.ts';
import type { Unacked } from './unacked.ts';

/** `askers` are the reply subjects of the routers that wait for the outcome of the offer. */
type Open = { item: Unacked; askers: string[]; sentAtMs: number };

/**
 * At most this many routers wait for one event. A further router gets no answer, so it gives the
 * event to the queue.
 */
const ASKERS_MAX = 8;
/**
 * At most this many copies are awaited from the queue. Beyond, the oldest is forgotten, because a
 * copy never comes where a router died.
 */
const OWED_MAX = 256;
/**
 * An event may come again for about this long, because a router repairs its outbox row, or because
 * another device of the user left the event to the queues, which all share one subject.
 */
const RECENT_MS = 30_000;
const RECENT_MAX = 256;

/**
 * Knows which events routers offered to one session and the session sent without its queue, and
 * which ones its client acknowledged last, whichever way they came.
 *
 *     open ──client's ack──────────────► recent   (30 s, ≤ 256)
 *       └──the queue shall take it──► owed ──the queue's copy comes──► the copy is treated as any
 *                                                                      event of the queue
 */
export class OfferedEvents {
  readonly #open = new Map<EventId, Open>();
  /**
   * The value is undefined where the client has acknowledged the event. The queue's copy is then
   * acknowledged as soon as it comes.
   */
  readonly #owed = new Map<EventId, Unacked | undefined>();
  /** The value is the time at which the client acknowledged the event, in epoch ms. */
  readonly #recent = new Map<EventId, number>();

  /** Counts the events that the client has not acknowledged and the queue is not to take. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Returns when the oldest open event was sent, or Infinity where no event is open. */
  get oldestAtMs(): number {
    for (const { sentAtMs } of this.#open.values()) return sentAtMs;
    return Number.POSITIVE_INFINITY;
  }

  add(item: Unacked, asker: string): void {
    this.#open.set(item.header.eventId, { item, askers: [asker], sentAtMs: Date.now() });
  }

  /**
   * A router offers an event, perhaps again. With `open`, the router waits like the others; with
   * `taken`, the client has the event; with `owed`, the event was sent and left to the queue.
   */
  repeated(eventId: EventId, asker: string): 'open' | 'taken' | 'owed' | undefined {
    const open = this.#open.get(eventId);
    if (open !== undefined) {
      if (open.askers.length < ASKERS_MAX) open.askers.push(asker);
      return 'open';
    }
    if (this.#owed.has(eventId)) return 'owed';
    return this.#recent.has(eventId) ? 'taken' : undefined;
  }

  /** The client has acknowledged the event. Returns the reply subjects of the routers that wait. */
  acknowledge(eventId: EventId): readonly string[] {
    if (this.#owed.has(eventId)) {
      this.#owed.set(eventId, undefined);
      return [];
    }
    this.#recent.set(eventId, Date.now());
    if (this.#recent.size > RECENT_MAX) dropOldest(this.#recent);
    const open = this.#open.get(eventId);
    this.#open.delete(eventId);
    return open?.askers ?? [];
  }

  /**
   * Leaves all open events to the queue. Returns the newest of them, and the reply subjects of the
   * routers that wait, in order.
   */
  giveToQueue(): { newest: EventId | undefined; askers: string[] } {
    const askers: string[] = [];
    let newest: EventId | undefined;
    for (const [eventId, open] of this.#open) {
      askers.push(...open.askers);
      // An event that the queue has sent already counts as one of the queue.
      if (open.item.ackSubject !== undefined) continue;
      newest = eventId;
      this.#owed.set(eventId, open.item);
      if (this.#owed.size > OWED_MAX) dropOldest(this.#owed);
    }
    this.#open.clear();
    return { newest, askers };
  }

  /**
   * The queue's copy of an event has come. Returns the event that the client was sent, or undefined
   * where the event is new.
   */
  takeCopy(eventId: EventId): Unacked | 'acknowledged' | undefined {
    const open = this.#open.get(eventId);
    if (open !== undefined) return open.item;
    if (this.#owed.has(eventId)) {
      const item = this.#owed.get(eventId);
      this.#owed.delete(eventId);
      return item ?? 'acknowledged';
    }
    return this.#recent.has(eventId) ? 'acknowledged' : undefined;
  }

  /** Forgets acknowledgements that are 30 s old. */
  forget(nowMs: number): void {
    for (const [eventId, atMs] of this.#recent) {
      if (nowMs - atMs < RECENT_MS) return;
      this.#recent.delete(eventId);
    }
  }
}

function dropOldest(map: Map<EventId, unknown>): void {
  for (const eventId of map.keys()) {
    map.delete(eventId);
    return;
  }
}
