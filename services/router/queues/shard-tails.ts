import { RecentPublishes } from './recent-publishes.ts';

/**
 * Knows the ends of the shards: the highest sequence number that each shard has acknowledged to
 * this router, and the router's last publishes. A shard gives its sequence numbers in order. If it
 * gives a publish a number that it had acknowledged before the publish began, it has lost its tail.
 * While the tails are being checked, publishes wait for a hold.
 */
export class ShardTails {
  readonly recent = new RecentPublishes();
  readonly #lastSeqs: Float64Array;
  readonly #givenAgain: Float64Array;
  #hold: Promise<void> | undefined;

  constructor(shards: number) {
    this.#lastSeqs = new Float64Array(shards);
    this.#givenAgain = new Float64Array(shards).fill(Number.POSITIVE_INFINITY);
  }

  /** A publish awaits this hold first, unless it is undefined. */
  get hold(): Promise<void> | undefined {
    return this.#hold;
  }

  /** Returns the highest sequence number that the shard has acknowledged to this router, or 0. */
  lastSeq(shard: number): number {
    return this.#lastSeqs[shard] ?? 0;
  }

  /** Returns the lowest sequence number that the shard gave again, or infinity. */
  givenAgain(shard: number): number {
    return this.#givenAgain[shard] ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Notes that the shard acknowledged `seq` to a publish. `known` was `lastSeq` when the publish
   * began. Returns false if the shard must have lost its tail.
   */
  acknowledged(shard: number, seq: number, known: number): boolean {
    if (seq <= known) {
      this.#givenAgain[shard] = Math.min(this.givenAgain(shard), seq);
      return false;
    }
    this.#lastSeqs[shard] = Math.max(this.lastSeq(shard), seq);
    return true;
  }

  /** Notes that the shard was found to end at `seq`. The count goes on from there. */
  reset(shard: number, seq: number): void {
    this.#lastSeqs[shard] = seq;
    this.#givenAgain[shard] = Number.POSITIVE_INFINITY;
  }

  /** Makes publishes wait for `checked`, in order. `checked` must not reject. */
  holdUntil(checked: Promise<void>): void {
    this.#hold = checked;
    void checked.then(() => {
      if (this.#hold === checked) this.#hold = undefined;
    });
  }
}
