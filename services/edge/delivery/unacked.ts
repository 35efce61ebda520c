import type { DurableEventHeader } from '../../../shared/contracts/events.ts';

/** A client is sent this once it has a `q`: the `type` of the frame, and its JSON. */
export type Numbered = { type: string; isNameless: boolean; body: Uint8Array };

/** A held event is on its way to the socket; `q` is the number that the stream gave to it. */
export type HeldEvent = Numbered & { q: number };

/**
 * The client was sent this event and has not acknowledged it yet. `ackSubject` is set once the
 * queue's own copy of the event has come.
 */
export type Unacked = { q: number; ackSubject: string | undefined; header: DurableEventHeader };

/** Fewer dead slots than this at the front cost less than moving the rest. */
const COMPACT_MIN = 64;

/**
 * JetStream stops at 256 events, but repeats them every 10 s to a client that hardly acknowledges.
 */
export const UNACKED_MAX = 2_048;

/**
 * Holds unacknowledged events in the order of `q`, ≤ 2048. An event that does not fit is not taken,
 * and comes again.
 */
export class UnackedQueue {
  #items: Unacked[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Returns false where the queue is full. */
  push(item: Unacked): boolean {
    if (this.size >= UNACKED_MAX) return false;
    this.#items.push(item);
    return true;
  }

  /** Takes all events up to `q`, oldest first. */
  takeUpTo(q: number, take: (item: Unacked) => void): void {
    const items = this.#items;
    let head = this.#head;
    while (head < items.length) {
      const item = items[head] as Unacked;
      if (item.q > q) break;
      take(item);
      head += 1;
    }
    this.#head = head;
    if (head === items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (head >= COMPACT_MIN && head * 2 >= items.length) {
      this.#items = items.slice(head);
      this.#head = 0;
    }
  }

  takeAll(take: (item: Unacked) => void): void {
    this.takeUpTo(Number.POSITIVE_INFINITY, take);
  }
}
