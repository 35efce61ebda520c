import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { type Rate, takeOne } from './rate-limit.ts';

/** What a request counts as. `free`: ack and ping. */
export type Cost = 'send' | 'other' | 'read' | 'free';

const RATES: Record<Cost, Rate> = {
  send: { perS: 10, burst: 20 },
  other: { perS: 50, burst: 100 },
  read: { perS: 20, burst: 40 },
  free: { perS: 1_000, burst: 1_000 },
};
/** Every bucket is full again after this long: an entry not touched since is as good as none. */
const FORGET_MS = 2_000;
const USERS_MAX = 200_000;
const MS_PER_S = 1_000;

type Buckets = Record<Cost, number> & { touchedAt: number };

/**
 * Rates per user on this edge, sockets and REST together. Holds only users active in the last
 * seconds; above 200 000 the longest known is forgotten (its buckets are full again).
 */
export class UserLimits {
  readonly #users = new Map<UserId, Buckets>();

  get size(): number {
    return this.#users.size;
  }

  /** Undefined: go on. Otherwise the RATE_LIMITED to answer. */
  refuse(userId: UserId, cost: Cost, nowMs: number): KahaError | undefined {
    const buckets = this.#bucketsOf(userId, nowMs);
    const taken = takeOne(buckets[cost], RATES[cost], nowMs);
    if ('fullAt' in taken) {
      buckets[cost] = taken.fullAt;
      return undefined;
    }
    if (cost === 'free') return this.refuse(userId, 'other', nowMs);
    const retryAfterS = Math.ceil(taken.retryAfterMs) / MS_PER_S;
    return new KahaError('RATE_LIMITED', 'Too many requests', { retryAfterS });
  }

  /** To be called every few seconds. */
  forgetIdle(nowMs: number): void {
    for (const [userId, buckets] of this.#users) {
      if (nowMs - buckets.touchedAt > FORGET_MS) this.#users.delete(userId);
    }
  }

  #bucketsOf(userId: UserId, nowMs: number): Buckets {
    const known = this.#users.get(userId);
    if (known !== undefined) {
      known.touchedAt = nowMs;
      return known;
    }
    if (this.#users.size >= USERS_MAX) {
      const [oldest] = this.#users.keys();
      if (oldest !== undefined) this.#users.delete(oldest);
    }
    const fresh: Buckets = { send: 0, other: 0, read: 0, free: 0, touchedAt: nowMs };
    this.#users.set(userId, fresh);
    return fresh;
  }
}
