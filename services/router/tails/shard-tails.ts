import { type RecentLoss, RecentPublishes, type Ticket } from './recent-publishes.ts';

/**
 * A shard had acknowledged `seq` at the time `at` at the latest. Times are in ms of this process's
 * own clock.
 */
export type ShardEnd = { shard: number; seq: number; at: number };
/**
 * A shard has lost what it had acknowledged above `keptSeq` and up to `upToSeq`. It had lost it at
 * `foundAt`.
 */
export type Loss = { keptSeq: number; upToSeq: number; foundAt: number };
type Clock = () => number;

/**
 * Knows the ends of the shards, and proves that a shard has lost its tail. A shard gives sequence
 * numbers in order. So if it had acknowledged a number before a publish began, and gives the
 * publish this number or a lower one, it has lost what it had. The number may have been
 * acknowledged to this router or to another one, which tells the age of what it knows, because
 * clocks of machines differ. What is told after the publish was answered proves the loss too.
 *
 * While the tails are being checked after a reconnect, publishes wait for a hold.
 */
export class ShardTails {
  readonly #recent: RecentPublishes;
  readonly #now: Clock;
  /** This is the highest number that each shard had acknowledged, and when it had at the latest. */
  readonly #seqs: Float64Array;
  readonly #seqsAt: Float64Array;
  /** This is 1 where this router knows an end that it has not told the other routers. */
  readonly #untold: Uint8Array;
  /** The last check of the shard asked at this time, and found that it had kept this number. */
  readonly #checkedAt: Float64Array;
  readonly #keptSeqs: Float64Array;
  readonly #losses = new Map<number, Loss>();
  #hold: Promise<void> | undefined;

  constructor(shards: number, { now, recent }: { now: Clock; recent?: RecentPublishes }) {
    this.#now = now;
    this.#recent = recent ?? new RecentPublishes();
    this.#seqs = new Float64Array(shards);
    this.#seqsAt = new Float64Array(shards);
    this.#untold = new Uint8Array(shards);
    this.#checkedAt = new Float64Array(shards).fill(Number.NEGATIVE_INFINITY);
    this.#keptSeqs = new Float64Array(shards);
  }

  /** A publish awaits this hold first, unless it is undefined. */
  get hold(): Promise<void> | undefined {
    return this.#hold;
  }

  /** Returns the highest sequence number that the shard is known to have acknowledged, or 0. */
  lastSeq(shard: number): number {
    return this.#seqs[shard] ?? 0;
  }

  /** Returns the highest number that is known, and when the shard had given it at the latest. */
  end(shard: number): { seq: number; at: number } {
    return { seq: this.lastSeq(shard), at: this.#seqsAt[shard] ?? 0 };
  }

  /** Notes a publish to a queue that begins. Returns its ticket. */
  begin(queue: string, shard: number): Ticket {
    return this.#recent.begin(queue, shard, { seq: this.lastSeq(shard), at: this.#now() });
  }

  /** Notes that the shard had stored the event earlier, as `seq`. */
  storedBefore(ticket: Ticket, seq: number): void {
    this.#recent.storedBefore(ticket, seq);
  }

  /** Notes that the shard has stored the event as `seq`. Returns false if a loss is proven. */
  stored(ticket: Ticket, seq: number): boolean {
    const recent = this.#recent;
    if (!recent.holds(ticket)) return true;
    recent.answered(ticket, seq);
    const shard = recent.shardOf(ticket);
    const known = this.lastSeq(shard);
    const isToldLate = seq <= known && recent.begunAt(ticket) > (this.#seqsAt[shard] ?? 0);
    const isProof = seq <= recent.knownSeqOf(ticket) || isToldLate;
    const upToSeq = isToldLate ? known : recent.knownSeqOf(ticket);
    if (isProof && this.#prove(ticket, upToSeq)) return false;
    this.#raise({ shard, seq, at: this.#now() });
    return true;
  }

  /** Notes the ends that another router told. Returns the shards whose loss they prove. */
  told(ends: readonly ShardEnd[]): number[] {
    const news = new Map<number, ShardEnd>();
    let oldest = Number.POSITIVE_INFINITY;
    for (const end of ends) {
      const { shard, seq, at } = end;
      // A check that asked later has found what has come of it.
      if (shard >= this.#seqs.length || at <= (this.#checkedAt[shard] ?? 0)) continue;
      if (seq <= this.lastSeq(shard) && at >= (this.#seqsAt[shard] ?? 0)) continue;
      news.set(shard, end);
      oldest = Math.min(oldest, at);
    }
    const lost = new Set<number>();
    for (const ticket of this.#recent.since(oldest)) {
      const shard = this.#recent.shardOf(ticket);
      const end = news.get(shard);
      const seq = this.#recent.seqOf(ticket);
      if (end === undefined || seq === 0 || seq > end.seq) continue;
      // A repeat is answered with the number that the event got at first.
      if (this.#recent.wasStoredBefore(ticket)) continue;
      if (this.#recent.begunAt(ticket) > end.at && this.#prove(ticket, end.seq)) lost.add(shard);
    }
    for (const { shard, seq, at } of news.values()) {
      if (seq < this.lastSeq(shard)) continue;
      this.#seqs[shard] = seq;
      this.#seqsAt[shard] = at;
    }
    return [...lost];
  }

  /**
   * Notes that the shard ends at `seq`. Before it was asked, `known` was its last number. Returns
   * false if that proves a loss.
   */
  ended({ shard, seq }: Omit<ShardEnd, 'at'>, known: Omit<ShardEnd, 'shard'>): boolean {
    const at = this.#now();
    // A check has lowered the number since.
    const isOld = known.at <= (this.#checkedAt[shard] ?? 0);
    if (seq >= known.seq || isOld) {
      this.#raise({ shard, seq, at });
      return true;
    }
    this.noteLoss(shard, { keptSeq: seq, upToSeq: known.seq, foundAt: at });
    return false;
  }

  /** Notes a loss that was found in another way. */
  noteLoss(shard: number, loss: Loss): void {
    const before = this.#losses.get(shard);
    this.#losses.set(shard, before === undefined ? loss : mergeLosses(before, loss));
  }

  /** Returns the loss of the shard that no check has taken yet, and forgets it. */
  takeLoss(shard: number): Loss | undefined {
    const loss = this.#losses.get(shard);
    this.#losses.delete(shard);
    return loss;
  }

  hasLoss(shard: number): boolean {
    return this.#losses.has(shard);
  }

  /** Returns whose events of this router the loss concerns, and their numbers. */
  lostOf(shard: number, loss: Loss): RecentLoss {
    return this.#recent.lostOf(shard, loss);
  }

  /**
   * Notes that a check, which asked `at` this time, found the shard to end at `seq`, and to have
   * lost what had been above `keptSeq`. The count goes on from `seq`.
   */
  reset(shard: number, { seq, keptSeq, at }: { seq: number; keptSeq: number; at: number }): void {
    this.#seqs[shard] = seq;
    this.#seqsAt[shard] = at;
    this.#checkedAt[shard] = at;
    this.#keptSeqs[shard] = keptSeq;
  }

  /** Tells whether a check has dealt with a loss that was found at that time. */
  hasChecked(shard: number, { keptSeq, foundAt }: Pick<Loss, 'keptSeq' | 'foundAt'>): boolean {
    return foundAt <= (this.#checkedAt[shard] ?? 0) && keptSeq >= (this.#keptSeqs[shard] ?? 0);
  }

  /** Returns the ends that have changed by what this router heard of shards itself, or all. */
  ends(which: 'changed' | 'all'): ShardEnd[] {
    const ends: ShardEnd[] = [];
    for (let shard = 0; shard < this.#seqs.length; shard += 1) {
      const seq = this.lastSeq(shard);
      if (seq === 0 || (which === 'changed' && this.#untold[shard] === 0)) continue;
      ends.push({ shard, seq, at: this.#seqsAt[shard] ?? 0 });
      this.#untold[shard] = 0;
    }
    return ends;
  }

  /** Makes publishes wait for `checked`, in order. `checked` must not reject. */
  holdUntil(checked: Promise<void>): void {
    this.#hold = checked;
    void checked.then(() => {
      if (this.#hold === checked) this.#hold = undefined;
    });
  }

  #raise({ shard, seq, at }: ShardEnd): void {
    if (seq <= this.lastSeq(shard)) return;
    this.#seqs[shard] = seq;
    this.#seqsAt[shard] = at;
    this.#untold[shard] = 1;
  }

  /** The shard had acknowledged `upToSeq` before it stored this event under a number below. */
  #prove(ticket: Ticket, upToSeq: number): boolean {
    const recent = this.#recent;
    const [shard, seq] = [recent.shardOf(ticket), recent.seqOf(ticket)];
    recent.markAfterLoss(ticket);
    const isOfCheckedLoss =
      recent.begunAt(ticket) <= (this.#checkedAt[shard] ?? 0) && seq > (this.#keptSeqs[shard] ?? 0);
    if (isOfCheckedLoss) return false;
    this.noteLoss(shard, { keptSeq: seq - 1, upToSeq, foundAt: this.#now() });
    return true;
  }
}

function mergeLosses(one: Loss, other: Loss): Loss {
  return {
    keptSeq: Math.min(one.keptSeq, other.keptSeq),
    upToSeq: Math.max(one.upToSeq, other.upToSeq),
    foundAt: Math.max(one.foundAt, other.foundAt),
  };
}
