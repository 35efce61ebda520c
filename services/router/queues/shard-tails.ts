import { RecentPublishes } from './recent-publishes.ts';

/**
 * What this router knows of the ends of the shards: the highest sequence that each shard has
 * acknowledged, and the last publishes. A shard that acknowledges a sequence twice has lost its
 * tail. Publishes wait for a hold while the tails are being checked.
 */
export class ShardTails {
  readonly recent = new RecentPublishes();
  readonly #lastSeqs: Float64Array;
  #hold: Promise<void> | undefined;

  constructor(shards: number) {
    this.#lastSeqs = new Float64Array(shards);
  }

  /** What a publish awaits first, if anything. */
  get hold(): Promise<void> | undefined {
    return this.#hold;
  }

  /** The highest sequence that the shard has acknowledged to this router, 0 where none. */
  lastSeq(shard: number): number {
    return this.#lastSeqs[shard] ?? 0;
  }

  /** The shard acknowledged `seq`. Returns false where it must have lost its tail. */
  advance(shard: number, seq: number): boolean {
    if (seq <= this.lastSeq(shard)) return false;
    this.#lastSeqs[shard] = seq;
    return true;
  }

  /** The shard was found to end at `seq`: the count goes on from there. */
  reset(shard: number, seq: number): void {
    this.#lastSeqs[shard] = seq;
  }

  /** Publishes wait for `checked`, in order. It must not reject. */
  holdUntil(checked: Promise<void>): void {
    this.#hold = checked;
    void checked.then(() => {
      if (this.#hold === checked) this.#hold = undefined;
    });
  }
}
