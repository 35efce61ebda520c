import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { type Rate, takeOne } from './rate-limit.ts';

/** Each request counts as one of these; ack and ping are `free`. */
export type Cost = 'send' | 'other' | 'read' | 'free';

/** A user has a bucket for each cost on each edge. */
export const RATES: Record<Cost, Rate> = {
  send: { perS: 10, burst: 20 },
  other: { perS: 50, burst: 100 },
  read: { perS: 20, burst: 40 },
  free: { perS: 1_000, burst: 1_000 },
};
/**
 * Every bucket is full again after this time, so the entry of a user who was idle for this long is
 * forgotten.
 */
const FORGET_MS = 2_000;
const USERS_MAX = 200_000;
const MS_PER_S = 1_000;

type Buckets = Record<Cost, number> & { touchedAt: number };

/**
 * Limits the rates of each user on this edge, for sockets and REST together. Holds only users who
 * were active in the last seconds. Above 200 000, the user known longest is forgotten, whose
 * buckets are full again then.
 */
export class UserLimits {
  readonly #users = new Map<UserId, Buckets>();

  get size(): number {
    return this.#users.size;
  }

  /** Returns undefined where the request may go on, and otherwise the RATE_LIMITED to answer. */
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

  /** Forgets users who were idle for 2 s. The edge calls this every 2 s. */
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
