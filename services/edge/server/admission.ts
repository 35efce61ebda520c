import { type Rate, takeOne } from '../limits/rate-limit.ts';

/** So large a part of the rate is for clients that bring no token with their upgrade. */
const WITHOUT_TOKEN_PART = 0.25;

/** A bucket has its state in one number, see `takeOne`. */
class Bucket {
  readonly #rate: Rate;
  #fullAt = 0;

  constructor(perS: number) {
    this.#rate = { perS, burst: perS };
  }

  hasRoom(nowMs: number): boolean {
    return 'fullAt' in takeOne(this.#fullAt, this.#rate, nowMs);
  }

  take(nowMs: number): boolean {
    const taken = takeOne(this.#fullAt, this.#rate, nowMs);
    if (!('fullAt' in taken)) return false;
    this.#fullAt = taken.fullAt;
    return true;
  }
}

/**
 * Bounds how many clients the edge lets in a second, in three buckets, so that nobody without a
 * verified token takes the room of those who have one:
 *
 * - `verified` is for upgrades whose token is good.
 * - `withoutToken` is smaller, and is for upgrades that bring no token. Such a client proves who it
 *   is by its first frame, or is closed after 5 s.
 * - `refused` is for browsers whose token is no good, and who are let in only to be told so.
 */
export class Admission {
  readonly verified: Bucket;
  readonly withoutToken: Bucket;
  readonly refused: Bucket;

  constructor(ratePerS: number) {
    this.verified = new Bucket(ratePerS);
    this.withoutToken = new Bucket(Math.max(1, Math.floor(ratePerS * WITHOUT_TOKEN_PART)));
    this.refused = new Bucket(ratePerS);
  }
}
