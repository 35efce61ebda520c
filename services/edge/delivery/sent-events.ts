import type { DurableEventHeader } from '../../../shared/contracts/events.ts';
import type { EventId } from '../../../shared/ids.ts';

/**
 * The client was sent this event.
 *
 *     offered ──► open ──client's ack───────────────────────► acknowledged
 *                  └──refused──► waits for the queue's copy ──┤
 *     sent by the queue ───────► has the queue's copy ────────┘
 */
export type SentEvent = {
  readonly q: number;
  readonly header: DurableEventHeader;
  /** The queue's own copy of the event is acknowledged here. It is undefined until it has come. */
  ackSubject: string | undefined;
  /** The event is open: the routers with these reply subjects wait for its outcome. */
  askers: string[] | undefined;
  isAcknowledged: boolean;
  /** The routers were told that the event came late. They are told so once. */
  isToldLate: boolean;
  /** The event was sent, or was acknowledged later, at this time, by `steadyMs`. */
  atMs: number;
};

/** Fewer dead slots than this at the front cost less than moving the rest. */
const COMPACT_MIN = 64;
/**
 * A stream holds at most this many unacknowledged events. JetStream stops at 256, and a live stream
 * at 128, but a queue that lost its place may begin anew.
 */
export const UNACKED_MAX = 2_048;
/**
 * At most this many routers wait for one event. A further router gets no answer, so it gives the
 * event to the queue.
 */
const ASKERS_MAX = 8;
/**
 * An acknowledged event may come again for about this long, because a router did not hear of it in
 * time, or repairs its outbox row. If a router dies amid the repair, its lease of the row ends
 * after 30 s, and another router repairs it then.
 */
const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 256;

/**
 * Holds what one client was sent and has not acknowledged, in the order of `q`, and remembers what
 * it acknowledged last. It finds each by its id.
 */
export class SentEvents {
  #unacked: SentEvent[] = [];
  /** The unacknowledged events begin at this index. */
  #head = 0;
  /** All events are here in the order of `q`, so those that are acknowledged come first. */
  readonly #byId = new Map<EventId, SentEvent>();
  #open = 0;

  get unacked(): number {
    return this.#unacked.length - this.#head;
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  find(eventId: EventId): SentEvent | undefined {
    return this.#byId.get(eventId);
  }

  /** Returns false where there is no room: an event that does not fit is not sent. */
  add(sent: SentEvent): boolean {
    if (this.unacked >= UNACKED_MAX) return false;
    this.#unacked.push(sent);
    this.#byId.set(sent.header.eventId, sent);
    if (sent.askers !== undefined) this.#open += 1;
    return true;
  }

  /** Another router waits for the outcome of an open event. */
  addAsker({ askers }: SentEvent, asker: string): void {
    if (askers !== undefined && askers.length < ASKERS_MAX) askers.push(asker);
  }

  /** Returns when the oldest open event was sent, or undefined where none is open. */
  get oldestOpenAtMs(): number | undefined {
    if (this.#open === 0) return undefined;
    for (let index = this.#head; index < this.#unacked.length; index += 1) {
      const { askers, atMs } = this.#unacked[index] as SentEvent;
      if (askers !== undefined) return atMs;
    }
    return undefined;
  }

  /** Closes all open events, oldest first, and hands out each with the routers that wait for it. */
  closeOpen(close: (sent: SentEvent, askers: readonly string[]) => void): void {
    if (this.#open === 0) return;
    this.#open = 0;
    for (let index = this.#head; index < this.#unacked.length; index += 1) {
      const sent = this.#unacked[index] as SentEvent;
      const { askers } = sent;
      if (askers === undefined) continue;
      sent.askers = undefined;
      close(sent, askers);
    }
  }

  /** The client has acknowledged all events up to `q`. Hands them out, oldest first. */
  acknowledge(
    q: number,
    nowMs: number,
    take: (sent: SentEvent, askers: readonly string[] | undefined) => void,
  ): void {
    const unacked = this.#unacked;
    let head = this.#head;
    for (; head < unacked.length; head += 1) {
      const sent = unacked[head] as SentEvent;
      if (sent.q > q) break;
      const { askers } = sent;
      if (askers !== undefined) this.#open -= 1;
      sent.askers = undefined;
      sent.isAcknowledged = true;
      sent.atMs = nowMs;
      take(sent, askers);
    }
    this.#head = head;
    if (head === unacked.length) {
      this.#unacked = [];
      this.#head = 0;
    } else if (head >= COMPACT_MIN && head * 2 >= unacked.length) {
      this.#unacked = unacked.slice(head);
      this.#head = 0;
    }
    this.#forgetBeyond(REMEMBERED_MAX);
  }

  /** Forgets events that were acknowledged 60 s ago. */
  forget(nowMs: number): void {
    for (const [eventId, { isAcknowledged, atMs }] of this.#byId) {
      if (!isAcknowledged || nowMs - atMs < REMEMBERED_MS) return;
      this.#byId.delete(eventId);
    }
  }

  /** Returns where all unacknowledged events that the queue sent are acknowledged, oldest first. */
  ackSubjects(): string[] {
    return this.#unacked.slice(this.#head).flatMap(({ ackSubject }) => ackSubject ?? []);
  }

  #forgetBeyond(max: number): void {
    let excess = this.#byId.size - this.unacked - max;
    if (excess <= 0) return;
    for (const eventId of this.#byId.keys()) {
      this.#byId.delete(eventId);
      excess -= 1;
      if (excess === 0) return;
    }
  }
}
