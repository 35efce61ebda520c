import type { EventId } from '../../../shared/ids.ts';
import type { Unacked } from './unacked.ts';

/** `askers`: the routers' reply subjects that wait to hear what becomes of it. */
type Open = { item: Unacked; askers: string[]; sentAtMs: number };

/** Routers that offer one event at once; who is not answered gives it to the queue. */
const ASKERS_MAX = 8;
/** Copies that the queue never had (a router died) are forgotten beyond. */
const OWED_MAX = 256;
/** An outbox that is repaired, or a queue that is shared, brings again what is a little old. */
const RECENT_MS = 30_000;
const RECENT_MAX = 256;

/**
 * What one session was sent beside its queue, and what its client acknowledged last, whichever way
 * it came.
 *
 *     open ──client's ack──────────────► recent   (30 s, ≤ 256)
 *       └──the queue shall take it──► owed ──the queue's own copy──► as any other of the queue
 */
export class LiveEvents {
  readonly #open = new Map<EventId, Open>();
  /** Undefined: the client has acknowledged it, its copy is to be as soon as it comes. */
  readonly #owed = new Map<EventId, Unacked | undefined>();
  /** When it was acknowledged. */
  readonly #recent = new Map<EventId, number>();

  /** Events that neither the client has acknowledged nor the queue is to take. */
  get openCount(): number {
    return this.#open.size;
  }

  /** When the oldest open one was sent; Infinity where there is none. */
  get oldestAtMs(): number {
    for (const { sentAtMs } of this.#open.values()) return sentAtMs;
    return Number.POSITIVE_INFINITY;
  }

  add(item: Unacked, asker: string): void {
    this.#open.set(item.header.eventId, { item, askers: [asker], sentAtMs: Date.now() });
  }

  /**
   * It is offered again. `open`: the asker waits, too; `taken`: the client has it; `owed`: it was
   * sent and left to the queue.
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

  /** The client has it; returns who is to hear of it. */
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

  /** The queue shall take all that is open: the newest of it, who is to hear of it, in order. */
  giveToQueue(): { newest: EventId | undefined; askers: string[] } {
    const askers: string[] = [];
    let newest: EventId | undefined;
    for (const [eventId, open] of this.#open) {
      askers.push(...open.askers);
      // One that the queue has sent already is one of the queue.
      if (open.item.ackSubject !== undefined) continue;
      newest = eventId;
      this.#owed.set(eventId, open.item);
      if (this.#owed.size > OWED_MAX) dropOldest(this.#owed);
    }
    this.#open.clear();
    return { newest, askers };
  }

  /** The queue's own copy has come: what it is a copy of, undefined where it is news. */
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

  /** Forgets what is old. */
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
