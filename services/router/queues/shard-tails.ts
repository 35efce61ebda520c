import { RecentPublishes } from './recent-publishes.ts';

/**
 * Knows the ends of the shards: the highest sequence number that each shard has acknowledged to
 * this router, and the router's last publishes. A shard that acknowledges a sequence number twice
 * has lost its tail. While the tails are being checked, publishes wait for a hold.
 */
export class ShardTails {
  readonly recent = new RecentPublishes();
  readonly #lastSeqs: Float64Array;
  #hold: Promise<void> | undefined;

  constructor(shards: number) {
    this.#lastSeqs = new Float64Array(shards);
  }

  /** A publish awaits this hold first, unless it is undefined. */
  get hold(): Promise<void> | undefined {
    return this.#hold;
  }

  /** Returns the highest sequence number that the shard has acknowledged to this router, or 0. */
  lastSeq(shard: number): number {
    return this.#lastSeqs[shard] ?? 0;
  }

  /**
   * Notes that the shard acknowledged `seq`. Returns false if the shard must have lost its tail.
   */
  advance(shard: number, seq: number): boolean {
    if (seq <= this.lastSeq(shard)) return false;
    this.#lastSeqs[shard] = seq;
    return true;
  }

  /** Notes that the shard was found to end at `seq`. The count goes on from there. */
  reset(shard: number, seq: number): void {
    this.#lastSeqs[shard] = seq;
  }

  /** Makes publishes wait for `checked`, in order. `checked` must not reject. */
  holdUntil(checked: Promise<void>): void {
    this.#hold = checked;
    void checked.then(() => {
      if (this.#hold === checked) this.#hold = undefined;
    });
  }
}
