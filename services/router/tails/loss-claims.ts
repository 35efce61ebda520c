import type { Loss } from './shard-tails.ts';

/** At most this many lost numbers are claimed one by one. Of more, no router claims any. */
export const CLAIMED_MAX = 4_096;
const KEPT_MS = 20_000;
/** At most this many claims of one shard are kept, and further ones are not heard. */
const CLAIMS_MAX = 128;

type Claim = { seqs: readonly number[]; upToSeq: number; at: number };

/**
 * Knows which of the numbers that a shard has lost were given to which router. A router claims its
 * own ones once it has dealt with the queues that they concern. If a number stays unclaimed, its
 * router is gone, and any queue of the shard may lack an event.
 */
export class LossClaims {
  readonly #claims = new Map<number, Claim[]>();

  add(shard: number, claim: Claim): void {
    const claims = (this.#claims.get(shard) ?? []).filter(({ at }) => claim.at - at < KEPT_MS);
    if (claims.length < CLAIMS_MAX) claims.push(claim);
    this.#claims.set(shard, claims);
  }

  /** Tells whether each number that the loss took is claimed. */
  cover(shard: number, { keptSeq, upToSeq }: Loss): boolean {
    const claims = this.#claims.get(shard) ?? [];
    const end = Math.max(upToSeq, ...claims.map((claim) => claim.upToSeq));
    if (end - keptSeq > CLAIMED_MAX) return false;
    const claimed = new Set(claims.flatMap(({ seqs }) => seqs));
    for (let seq = keptSeq + 1; seq <= end; seq += 1) if (!claimed.has(seq)) return false;
    return true;
  }

  forget(before: number): void {
    for (const [shard, claims] of this.#claims) {
      if (claims.every(({ at }) => at < before)) this.#claims.delete(shard);
    }
  }
}
