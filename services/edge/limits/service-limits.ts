import { KahaError } from '../../../shared/errors.ts';
import { type Rate, takeOne } from './rate-limit.ts';

/** A service that tells of all its businesses makes two calls for each, one after the other. */
export const SERVICE_RATE: Rate = { perS: 100, burst: 200 };
const MS_PER_S = 1_000;

/**
 * Limits the rate of each service token on this edge, for reads and writes together. It holds one
 * number for each token of the configuration.
 */
export class ServiceLimits {
  readonly #fullAt: number[] = [];

  /** Returns undefined where the request may go on, and otherwise the RATE_LIMITED to answer. */
  refuse(tokenIndex: number, nowMs: number): KahaError | undefined {
    const taken = takeOne(this.#fullAt[tokenIndex] ?? 0, SERVICE_RATE, nowMs);
    if ('fullAt' in taken) {
      this.#fullAt[tokenIndex] = taken.fullAt;
      return undefined;
    }
    const retryAfterS = Math.ceil(taken.retryAfterMs) / MS_PER_S;
    return new KahaError('RATE_LIMITED', 'Too many requests', { retryAfterS });
  }
}
