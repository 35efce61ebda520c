import { Histogram, type HistogramState } from '../figures/histogram.ts';
import type { Connection } from '../fleet/connection.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { numberField } from '../websocket/frame-text.ts';
import {
  AWAY_MS,
  CYCLE_MS,
  PRESENCE_CHANGES_PER_MESSAGE,
  READS_PER_MESSAGE,
  TYPINGS_PER_MESSAGE,
} from './mix-rates.ts';

type MixParts = {
  /** The worker sends this many messages a second, and the rest follows from it. */
  ratePerS: number;
  conversationIds: readonly string[];
  /** The list has the sockets of each conversation by slot, one for each person. */
  sockets: readonly (readonly Connection[])[];
  /** Conversations from here on send nothing. One of their two people comes and goes. */
  firstFlicker: number;
  fleet: Fleet;
  warmupMs: number;
  endMs: number;
};
export type MixResult = {
  reads: { sent: number; answered: number; expected: number; received: number };
  typing: { sent: number; expected: number; received: number; ends: number };
  presence: { expected: number; received: number };
  histograms: { receipt: HistogramState; typing: HistogramState };
};

const TICK_MS = 2;
/** The server passes typing on once in 2 s. */
const TYPING_EVERY_MS = 2_100;

/**
 * The mix adds what goes on beside messages, by the clock and whatever the answers do: reads,
 * typing, and people who come and go before somebody who watches them.
 */
export class Mix {
  readonly #parts: MixParts;
  readonly #slots: number;
  readonly #lastSeq: Float64Array;
  /** Each person has read up to this seq, by a read or by a send. */
  readonly #readSeq: Float64Array;
  /** The last read that raised the position had this seq. */
  readonly #askedSeq: Float64Array;
  readonly #readDueMs: Float64Array;
  readonly #typedAtMs: Float64Array;
  readonly #toldSeq: Float64Array;
  readonly #receiptMs = new Histogram();
  readonly #typingMs = new Histogram();
  readonly #counts = { reads: 0, answered: 0, typed: 0, typingExpected: 0, typingReceived: 0 };
  readonly #more = { typingEnds: 0, presenceExpected: 0, presenceReceived: 0 };
  readonly #turns = { reads: 0, typing: 0, presence: 0 };
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: MixParts) {
    this.#parts = parts;
    this.#slots = parts.sockets[0]?.length ?? 0;
    const places = parts.sockets.length * this.#slots;
    this.#lastSeq = new Float64Array(places);
    this.#readSeq = new Float64Array(places);
    this.#askedSeq = new Float64Array(places);
    this.#readDueMs = new Float64Array(places);
    this.#typedAtMs = new Float64Array(places).fill(-TYPING_EVERY_MS);
    this.#toldSeq = new Float64Array(places * this.#slots);
  }

  /** Starts the mix at `startAt`, a time of this process's `performance.now()`. */
  start(startAt: number): void {
    this.#startedAt = startAt;
    for (const [watcher, other] of this.#parts.sockets.slice(this.#parts.firstFlicker)) {
      const ids = JSON.stringify([other?.place.userId]);
      watcher?.client?.sendText(`{"type":"presence_watch","user_ids":${ids}}`);
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes note of a message that has come. A person has read their own message by sending it. */
  delivered({ place }: Connection, seq: number, isOwn: boolean): void {
    const at = this.#at(place.conversation, place.slot);
    if (seq <= (this.#lastSeq[at] ?? 0)) return;
    this.#lastSeq[at] = seq;
    if (isOwn) this.#readSeq[at] = Math.max(seq, this.#readSeq[at] ?? 0);
  }

  readAnswered(): void {
    this.#counts.answered += 1;
  }

  /** Times the first receipt that covers the last read of its reader. */
  receipt(connection: Connection, head: string): void {
    const readSeq = numberField(head, '"read_seq":');
    const reader = this.#slotOf(connection, head);
    if (readSeq < 0 || reader < 0) return;
    const { conversation, slot } = connection.place;
    const at = this.#at(conversation, reader);
    const told = at * this.#slots + slot;
    const wanted = this.#askedSeq[at] ?? 0;
    const dueMs = this.#readDueMs[at] ?? 0;
    const isNews = (this.#toldSeq[told] ?? 0) < wanted && readSeq >= wanted;
    this.#toldSeq[told] = Math.max(readSeq, this.#toldSeq[told] ?? 0);
    if (isNews && dueMs > 0) this.#time(this.#receiptMs, dueMs);
  }

  typing(connection: Connection, head: string): void {
    const typist = this.#slotOf(connection, head);
    if (typist < 0) return;
    if (head.includes('"is_typing":false')) this.#more.typingEnds += 1;
    else {
      this.#counts.typingReceived += 1;
      const at = this.#at(connection.place.conversation, typist);
      this.#time(this.#typingMs, this.#typedAtMs[at] ?? 0);
    }
  }

  presence(): void {
    this.#more.presenceReceived += 1;
  }

  result(): MixResult {
    const { reads, answered, typed, typingExpected, typingReceived } = this.#counts;
    const { typingEnds, presenceExpected, presenceReceived } = this.#more;
    return {
      reads: { sent: reads, answered, ...this.#judgeReads() },
      typing: {
        ...{ sent: typed, expected: typingExpected, received: typingReceived },
        ends: typingEnds,
      },
      presence: { expected: presenceExpected, received: presenceReceived },
      histograms: { receipt: this.#receiptMs.state(), typing: this.#typingMs.state() },
    };
  }

  /** Judges the reads by the last position alone, because positions only rise. */
  #judgeReads(): { expected: number; received: number } {
    let [expected, received] = [0, 0];
    for (let at = 0; at < this.#readDueMs.length; at += 1) {
      if (this.#readDueMs[at] === 0) continue;
      for (let slot = 0; slot < this.#slots; slot += 1) {
        if (slot === at % this.#slots) continue;
        expected += 1;
        const told = this.#toldSeq[at * this.#slots + slot] ?? 0;
        if (told >= (this.#askedSeq[at] ?? 0)) received += 1;
      }
    }
    return { expected, received };
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    const { ratePerS, endMs } = this.#parts;
    if (elapsedMs > endMs) {
      this.stop();
      return;
    }
    const due = (perMessage: number): number => (elapsedMs * ratePerS * perMessage) / 1_000;
    for (; this.#turns.reads < due(READS_PER_MESSAGE); this.#turns.reads += 1)
      this.#read(elapsedMs);
    for (; this.#turns.typing < due(TYPINGS_PER_MESSAGE); this.#turns.typing += 1)
      this.#type(elapsedMs);
    const cycles = due(PRESENCE_CHANGES_PER_MESSAGE / 2);
    for (; this.#turns.presence < cycles; this.#turns.presence += 1) this.#leave(elapsedMs);
  }

  /** Sends a read of a person who has not read all yet, or else a repeated read. */
  #read(nowMs: number): void {
    const { firstFlicker, sockets, conversationIds } = this.#parts;
    const turn = this.#turns.reads;
    const conversation = turn % firstFlicker;
    const first = this.#at(conversation, 0);
    const slots = Array.from({ length: this.#slots }, (_, slot) => slot);
    const isBehind = (slot: number): boolean =>
      (this.#lastSeq[first + slot] ?? 0) > (this.#readSeq[first + slot] ?? 0);
    const slot = slots.find(isBehind) ?? turn % this.#slots;
    const seq = this.#lastSeq[first + slot] ?? 0;
    const connection = sockets[conversation]?.[slot];
    if (seq === 0 || connection?.state !== 'ready') return;
    if (isBehind(slot)) {
      this.#readSeq[first + slot] = seq;
      this.#askedSeq[first + slot] = seq;
      this.#readDueMs[first + slot] = nowMs;
    }
    const id = conversationIds[conversation];
    const text = `{"type":"read","id":${turn},"conversation_id":"${id}","seq":${seq}}`;
    connection.client?.sendText(text);
    this.#counts.reads += 1;
  }

  #type(nowMs: number): void {
    const { firstFlicker, sockets, conversationIds } = this.#parts;
    const turn = this.#turns.typing + Math.floor(firstFlicker / 2);
    const conversation = turn % firstFlicker;
    const slot = Math.floor(turn / firstFlicker) % this.#slots;
    const at = this.#at(conversation, slot);
    const connection = sockets[conversation]?.[slot];
    const isTooSoon = nowMs - (this.#typedAtMs[at] ?? 0) < TYPING_EVERY_MS;
    if (isTooSoon || connection?.state !== 'ready') return;
    this.#typedAtMs[at] = nowMs;
    const id = conversationIds[conversation];
    connection.client?.sendText(`{"type":"typing","conversation_id":"${id}","is_typing":true}`);
    this.#counts.typed += 1;
    this.#counts.typingExpected += this.#slots - 1;
  }

  /** Makes a person leave and come back, which is two changes, unless the run ends before that. */
  #leave(nowMs: number): void {
    const { firstFlicker, sockets, fleet, endMs } = this.#parts;
    const flickers = sockets.length - firstFlicker;
    const other = sockets[firstFlicker + (this.#turns.presence % Math.max(1, flickers))]?.[1];
    if (other?.state !== 'ready' || nowMs + CYCLE_MS > endMs) return;
    fleet.rest(other, AWAY_MS);
    this.#more.presenceExpected += 2;
  }

  #at(conversation: number, slot: number): number {
    return conversation * this.#slots + slot;
  }

  /**
   * Returns the slot of the person in the frame, or -1 if the frame is of another conversation than
   * the connection's.
   */
  #slotOf({ place }: Connection, head: string): number {
    const { sockets, conversationIds } = this.#parts;
    if (!head.includes(conversationIds[place.conversation] ?? ' ')) return -1;
    const people = sockets[place.conversation] ?? [];
    return people.findIndex(({ place: { userId } }) => head.includes(userId));
  }

  #time(histogram: Histogram, dueMs: number): void {
    if (dueMs < this.#parts.warmupMs) return;
    histogram.recordMs(performance.now() - this.#startedAt - dueMs);
  }
}
