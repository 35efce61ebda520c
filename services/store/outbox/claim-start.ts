type Claimed = {
  /** The claim has found as many rows as it wanted, so there may be more behind them. */
  isFull: boolean;
  /** This is the time of the last row that the claim has found, if it has found any. */
  lastAt: string | undefined;
};

/** Claims look from the oldest row on at least this often. */
const OLDEST_EVERY_MS = 500;

/**
 * Remembers up to which time the owed rows are claimed, so that a claim need not pass the leased
 * and the deleted rows before it. Every 500 ms a claim looks from the oldest row on all the same,
 * because the leases of some may have run out. So it does if a claim has found fewer rows than
 * wanted.
 */
export class ClaimStart {
  #from: string | undefined;
  #oldestAtMs = Number.NEGATIVE_INFINITY;

  /** Returns the time from which the next claim looks; undefined is the oldest row's. */
  next(nowMs: number): string | undefined {
    const isDue = nowMs - this.#oldestAtMs >= OLDEST_EVERY_MS;
    if (this.#from !== undefined && !isDue) return this.#from;
    this.#oldestAtMs = nowMs;
    return undefined;
  }

  /** Notes what a claim from `from` has found. */
  note(from: string | undefined, { isFull, lastAt }: Claimed): void {
    const end = isFull ? lastAt : undefined;
    // A claim that looked from the oldest row on ends before the place that earlier claims have
    // reached. That place is kept, because the rows in between are leased.
    if (from === undefined) this.#from ??= end;
    // A claim that went on from the place moves it. If it found all that is left behind the place,
    // the next claim has nothing to look for there.
    else this.#from = end;
  }
}
