import { Histogram } from '../figures/histogram.ts';
import type { Connection } from '../fleet/connection.ts';
import type { Ledger } from './ledger.ts';
import type { MessageKeys } from './message-key.ts';
import type { Schedule } from './schedule.ts';

type TrafficParts = {
  schedule: Schedule;
  ledger: Ledger;
  keys: MessageKeys;
  /** The list has the sockets of each conversation by slot. */
  sockets: readonly (readonly Connection[])[];
  conversationIds: readonly string[];
  devices: number;
  contentBytes: number;
  /** Messages that are due before this time are sent, but not timed. */
  warmupMs: number;
  onDelivered?: (connection: Connection, seq: number, isOwn: boolean) => void;
};

const TICK_MS = 1;

/**
 * Sends by the schedule and times the answers. A message whose connection is away waits for it. A
 * message whose answer was lost with the connection is sent again under the same key. The clock of
 * both runs from when they were due.
 */
export class Traffic {
  readonly ackMs = new Histogram();
  readonly deliveryMs = new Histogram();
  /** The histogram has how late the generator itself was. */
  readonly lagMs = new Histogram();
  acknowledgedCount = 0;
  deliveredCount = 0;
  sentAgain = 0;
  duplicates = 0;
  readonly #parts: TrafficParts;
  readonly #prefixes: readonly string[];
  readonly #suffix: string;
  #startedAt = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.#prefixes = parts.conversationIds.map(
      (id) => `{"type":"message","conversation_id":"${id}","client_msg_id":"`,
    );
    this.#suffix = `","content":"${'x'.repeat(parts.contentBytes)}"}`;
  }

  get isAllSent(): boolean {
    return this.#next >= this.#parts.schedule.count;
  }

  get sentCount(): number {
    return this.#next;
  }

  /** Starts to send at `startAt`, a time of this process's `performance.now()`. */
  start(startAt: number): void {
    this.#startedAt = startAt;
    this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Returns how long the oldest message without its answer or one of its deliveries has been due.
   */
  backlogMs(): number {
    const { ledger, schedule } = this.#parts;
    const oldest = ledger.oldestOpen();
    if (oldest >= this.#next) return 0;
    return Math.max(0, performance.now() - this.#startedAt - schedule.dueMs(oldest));
  }

  acknowledged(connection: Connection, message: number, reply: { seq: number; again: boolean }) {
    if (reply.again) this.duplicates += 1;
    connection.forget(message);
    if (!this.#parts.ledger.acknowledged(message, reply.seq)) return;
    this.acknowledgedCount += 1;
    this.#time(this.ackMs, message);
  }

  failed(connection: Connection, message: number, code: string): void {
    connection.forget(message);
    this.#parts.ledger.failed(message, code);
  }

  /** Takes note of an event of a message of this run. */
  delivered(connection: Connection, message: number, event: { seq: number; isQueued: boolean }) {
    const { ledger, schedule, devices } = this.#parts;
    const { conversation, slot } = connection.place;
    if (schedule.conversationOf(message) !== conversation) return ledger.strayed();
    const { seq, isQueued } = event;
    const isFirst = isQueued ? ledger.queued(message, slot, seq) : ledger.live(message, slot, seq);
    if (!isFirst) return;
    this.deliveredCount += 1;
    const isOwn = Math.floor(slot / devices) === schedule.participantOf(message);
    this.#parts.onDelivered?.(connection, seq, isOwn);
    if (!isOwn) this.#time(this.deliveryMs, message);
  }

  /** Sends what the connection owes, in order, when it is back. */
  resume(connection: Connection): void {
    for (const message of connection.unanswered ?? []) {
      this.sentAgain += 1;
      this.#send(connection, message);
    }
  }

  #sendDue(): void {
    const { schedule, ledger, sockets, devices } = this.#parts;
    const elapsedMs = performance.now() - this.#startedAt;
    const due = schedule.dueCount(elapsedMs);
    for (; this.#next < due; this.#next += 1) {
      const message = this.#next;
      const slot = schedule.participantOf(message) * devices;
      const connection = sockets[schedule.conversationOf(message)]?.[slot] as Connection;
      connection.unanswered ??= [];
      connection.unanswered.push(message);
      ledger.sent(message);
      this.lagMs.recordMs(elapsedMs - schedule.dueMs(message));
      if (connection.state === 'ready') this.#send(connection, message);
    }
    if (this.isAllSent) this.stop();
  }

  #send(connection: Connection, message: number): void {
    const { schedule, keys } = this.#parts;
    const prefix = this.#prefixes[schedule.conversationOf(message)];
    connection.client?.sendText(prefix + keys.keyOf(message) + this.#suffix);
  }

  #time(histogram: Histogram, message: number): void {
    const dueMs = this.#parts.schedule.dueMs(message);
    if (dueMs < this.#parts.warmupMs) return;
    histogram.recordMs(performance.now() - this.#startedAt - dueMs);
  }
}
