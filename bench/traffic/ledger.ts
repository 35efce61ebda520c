type LedgerOptions = { messages: number; conversations: number; slots: number };

export type LedgerCounts = {
  offered: number;
  acknowledged: number;
  unanswered: number;
  failed: Record<string, number>;
  /** This is the number of acknowledged messages times the sockets that are to get them. */
  expected: number;
  received: number;
  missing: number;
  /** The queue brought the message again. A client drops it by (conversation, seq). */
  repeatedToQueue: number;
  /** The same message came under two seqs, and no client can recognise the repeat. */
  repeatedToEye: number;
  outOfOrder: number;
  /** Messages were out of order on sockets whose connection broke before, which is allowed. */
  outOfOrderAfterLoss: number;
  /** Gaps are seqs that no message has, and clashes are seqs that two have. */
  seqGaps: number;
  seqClashes: number;
  /** This many messages reached a socket of another conversation. */
  strayed: number;
  /** This many messages came without the queue: replayed, or live while a queue did not answer. */
  live: number;
};

const UNSENT = 0;
const SENT = 1;
const ACKNOWLEDGED = 2;
const FAILED = 3;

/**
 * The ledger has what was promised and what arrived. A message is a number, and the socket that is
 * to get it is a bit, so that a message takes 17 bytes and a delivery nothing. A conversation has
 * at most 32 sockets.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #state: Uint8Array;
  readonly #seq: Float64Array;
  readonly #seen: Uint32Array;
  readonly #queued: Uint32Array;
  readonly #lastSeq: Float64Array;
  readonly #isExcused: Uint8Array;
  readonly #conversation: (message: number) => number;
  readonly #failed: Record<string, number> = {};
  readonly #counts = { outOfOrder: 0, outOfOrderAfterLoss: 0, repeatedToQueue: 0 };
  readonly #oddities = { repeatedToEye: 0, strayed: 0, live: 0 };
  #offered = 0;
  #oldestOpen = 0;

  constructor(options: LedgerOptions, conversationOf: (message: number) => number) {
    const { messages, conversations, slots } = options;
    this.#options = options;
    this.#conversation = conversationOf;
    this.#state = new Uint8Array(messages);
    this.#seq = new Float64Array(messages);
    this.#seen = new Uint32Array(messages);
    this.#queued = new Uint32Array(messages);
    this.#lastSeq = new Float64Array(conversations * slots);
    this.#isExcused = new Uint8Array(conversations * slots);
  }

  /** Takes note of a sent message. Messages are sent in the order of their numbers. */
  sent(message: number): void {
    this.#state[message] = SENT;
    this.#offered = message + 1;
  }

  /** Takes note of an answer. Returns false if the message was answered before. */
  acknowledged(message: number, seq: number): boolean {
    if (this.#state[message] === ACKNOWLEDGED) return false;
    this.#state[message] = ACKNOWLEDGED;
    this.#learnSeq(message, seq);
    return true;
  }

  failed(message: number, code: string): void {
    if (this.#state[message] !== SENT) return;
    this.#state[message] = FAILED;
    this.#failed[code] = (this.#failed[code] ?? 0) + 1;
  }

  /**
   * Takes note of an event of the device queue. Returns true if this socket sees the message for
   * the first time.
   */
  queued(message: number, slot: number, seq: number): boolean {
    const bit = 1 << slot;
    const queued = this.#queued[message] ?? 0;
    if ((queued & bit) !== 0) this.#counts.repeatedToQueue += 1;
    else this.#queued[message] = queued | bit;
    return this.#see(message, slot, seq);
  }

  /** Takes note of an event that came without the queue. */
  live(message: number, slot: number, seq: number): boolean {
    this.#oddities.live += 1;
    return this.#see(message, slot, seq);
  }

  strayed(): void {
    this.#oddities.strayed += 1;
  }

  /**
   * Takes note that the connection of a socket broke, so that unacknowledged messages may come
   * behind newer ones.
   */
  excuse(conversation: number, slot: number): void {
    this.#isExcused[conversation * this.#options.slots + slot] = 1;
  }

  /**
   * Returns the oldest message whose answer or a delivery is due, or the number of sent messages if
   * there is none.
   */
  oldestOpen(): number {
    const all = allOf(this.#options.slots);
    while (this.#oldestOpen < this.#offered) {
      const state = this.#state[this.#oldestOpen];
      const isDone =
        state === FAILED || (state === ACKNOWLEDGED && this.#seen[this.#oldestOpen] === all);
      if (!isDone) break;
      this.#oldestOpen += 1;
    }
    return this.#oldestOpen;
  }

  isSettled(): boolean {
    return this.oldestOpen() === this.#offered;
  }

  /** Counts everything. `lastSeqsBefore` has the last seq of each conversation before the run. */
  counts(lastSeqsBefore: readonly number[]): LedgerCounts {
    const { slots } = this.#options;
    let [acknowledged, unanswered, received, expected] = [0, 0, 0, 0];
    for (let message = 0; message < this.#offered; message += 1) {
      const state = this.#state[message];
      if (state === SENT || state === UNSENT) unanswered += 1;
      if (state !== ACKNOWLEDGED) continue;
      acknowledged += 1;
      expected += slots;
      received += bitsOf(this.#seen[message] ?? 0);
    }
    return {
      offered: this.#offered,
      acknowledged,
      unanswered,
      failed: this.#failed,
      expected,
      received,
      missing: expected - received,
      ...this.#counts,
      ...this.#oddities,
      ...this.#judgeSeqs(lastSeqsBefore),
    };
  }

  #see(message: number, slot: number, seq: number): boolean {
    const bit = 1 << slot;
    const seen = this.#seen[message] ?? 0;
    this.#learnSeq(message, seq);
    if ((seen & bit) !== 0) return false;
    this.#seen[message] = seen | bit;
    const at = this.#conversation(message) * this.#options.slots + slot;
    if (seq > (this.#lastSeq[at] ?? 0)) this.#lastSeq[at] = seq;
    else if (this.#isExcused[at] === 1) this.#counts.outOfOrderAfterLoss += 1;
    else this.#counts.outOfOrder += 1;
    return true;
  }

  #learnSeq(message: number, seq: number): void {
    const known = this.#seq[message];
    if (known === 0) this.#seq[message] = seq;
    else if (known !== seq) this.#oddities.repeatedToEye += 1;
  }

  #judgeSeqs(before: readonly number[]): { seqGaps: number; seqClashes: number } {
    const seqs: Set<number>[] = before.map(() => new Set());
    let seqClashes = 0;
    for (let message = 0; message < this.#offered; message += 1) {
      const seq = this.#seq[message] ?? 0;
      const taken = seqs[this.#conversation(message)];
      if (seq === 0 || taken === undefined) continue;
      if (taken.has(seq)) seqClashes += 1;
      taken.add(seq);
    }
    let seqGaps = 0;
    for (const [conversation, taken] of seqs.entries()) {
      let last = before[conversation] ?? 0;
      const first = last;
      for (const seq of taken) last = Math.max(last, seq);
      seqGaps += last - first - taken.size;
    }
    return { seqGaps, seqClashes };
  }
}

function allOf(slots: number): number {
  return slots === 32 ? 0xffffffff : 2 ** slots - 1;
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let rest = mask >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}
