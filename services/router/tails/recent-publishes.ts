/** Publishes are numbered as they begin, and a ticket is such a number. */
export type Ticket = number;
export type RecentLoss = { queues: string[]; seqs: number[] };

/**
 * Remembers the last 65 536 publishes of this router, and overwrites the oldest. They tell whose
 * events are gone if a server loses events that it had acknowledged. A publish takes 35 bytes, and
 * the name of its queue.
 */
export class RecentPublishes {
  readonly #capacity: number;
  readonly #queues: (string | undefined)[];
  readonly #shards: Uint16Array;
  /** A number of 0 means that no answer came. */
  readonly #seqs: Float64Array;
  readonly #knownSeqs: Float64Array;
  readonly #begunAt: Float64Array;
  /** This is 1 where the shard had lost its tail before it stored the event. */
  readonly #afterLoss: Uint8Array;
  /** This is 1 where the shard had stored the event before the publish. */
  readonly #wasStored: Uint8Array;
  #next = 0;

  constructor(capacity = 65_536) {
    this.#capacity = capacity;
    this.#queues = new Array(capacity).fill(undefined);
    this.#shards = new Uint16Array(capacity);
    this.#seqs = new Float64Array(capacity);
    this.#knownSeqs = new Float64Array(capacity);
    this.#begunAt = new Float64Array(capacity);
    this.#afterLoss = new Uint8Array(capacity);
    this.#wasStored = new Uint8Array(capacity);
  }

  /** Notes a publish that begins now, and the end of its shard that is known. */
  begin(queue: string, shard: number, { seq, at }: { seq: number; at: number }): Ticket {
    const ticket = this.#next;
    const slot = ticket % this.#capacity;
    this.#queues[slot] = queue;
    this.#shards[slot] = shard;
    this.#seqs[slot] = 0;
    this.#knownSeqs[slot] = seq;
    this.#begunAt[slot] = at;
    this.#afterLoss[slot] = 0;
    this.#wasStored[slot] = 0;
    this.#next += 1;
    return ticket;
  }

  /** Tells whether the publish has not been overwritten. */
  holds(ticket: Ticket): boolean {
    return ticket >= 0 && ticket < this.#next && ticket + this.#capacity >= this.#next;
  }

  answered(ticket: Ticket, seq: number): void {
    if (this.holds(ticket)) this.#seqs[ticket % this.#capacity] = seq;
  }

  shardOf(ticket: Ticket): number {
    return this.#shards[ticket % this.#capacity] ?? 0;
  }

  knownSeqOf(ticket: Ticket): number {
    return this.#knownSeqs[ticket % this.#capacity] ?? 0;
  }

  begunAt(ticket: Ticket): number {
    return this.#begunAt[ticket % this.#capacity] ?? 0;
  }

  /** Returns the number that the shard gave the event, or 0. */
  seqOf(ticket: Ticket): number {
    return this.#seqs[ticket % this.#capacity] ?? 0;
  }

  /** Notes that the shard had stored the event before the publish, as `seq`. */
  storedBefore(ticket: Ticket, seq: number): void {
    this.answered(ticket, seq);
    if (this.holds(ticket)) this.#wasStored[ticket % this.#capacity] = 1;
  }

  wasStoredBefore(ticket: Ticket): boolean {
    return this.#wasStored[ticket % this.#capacity] === 1;
  }

  /** Notes that the shard stored the event only after it had lost its tail. */
  markAfterLoss(ticket: Ticket): void {
    this.#afterLoss[ticket % this.#capacity] = 1;
  }

  /** Yields the publishes that began after `at`, newest first. */
  *since(at: number): Generator<Ticket> {
    const oldest = Math.max(0, this.#next - this.#capacity);
    for (let ticket = this.#next - 1; ticket >= oldest; ticket -= 1) {
      if (this.begunAt(ticket) <= at) return;
      yield ticket;
    }
  }

  /**
   * Returns the publishes that are gone if the shard has lost all above `keptSeq` before `foundAt`.
   */
  lostOf(shard: number, { keptSeq, foundAt }: { keptSeq: number; foundAt: number }): RecentLoss {
    const queues = new Set<string>();
    const seqs = new Set<number>();
    const length = Math.min(this.#next, this.#capacity);
    for (let slot = 0; slot < length; slot += 1) {
      const seq = this.#seqs[slot] ?? 0;
      if (this.#shards[slot] !== shard || seq <= keptSeq || this.#afterLoss[slot] === 1) continue;
      if ((this.#begunAt[slot] ?? 0) > foundAt) continue;
      queues.add(this.#queues[slot] as string);
      seqs.add(seq);
    }
    return { queues: [...queues], seqs: [...seqs] };
  }
}
