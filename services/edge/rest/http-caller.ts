import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Operation } from '../api/operation.ts';
import type { TokenJudge } from '../erased/token-judge.ts';
import { ServiceLimits } from '../limits/service-limits.ts';
import type { UserLimits } from '../limits/user-limits.ts';
import { bearerToken } from '../tokens/bearer.ts';
import { ServiceTokens } from '../tokens/service-tokens.ts';
import type { HttpCall } from './http-call.ts';

export type HttpCallers = {
  judge: TokenJudge;
  serviceTokens: readonly string[];
  limits: UserLimits;
};
type Known =
  | { isService: false; userId: UserId; service: undefined; issuedAt: number }
  | { isService: true; userId: undefined; service: string; issuedAt: 0; tokenIndex: number };

/**
 * Finds out who makes a REST call, and whether they may ask for the operation now. A service token
 * is looked for first, and whatever is none must be a user's JWT. No service token looks like a
 * JWT, so neither is ever taken for the other.
 */
export class CallerCheck {
  readonly #judge: TokenJudge;
  readonly #tokens: ServiceTokens;
  readonly #limits: UserLimits;
  readonly #serviceLimits = new ServiceLimits();

  constructor({ judge, serviceTokens, limits }: HttpCallers) {
    this.#judge = judge;
    this.#tokens = new ServiceTokens(serviceTokens);
    this.#limits = limits;
  }

  /** Throws UNAUTHENTICATED, RATE_LIMITED, or FORBIDDEN where `by` does not allow the caller. */
  async admit({ authorization }: HttpCall, { by, cost }: Operation): Promise<Known> {
    const token = bearerToken(authorization);
    if (token === undefined) throw new KahaError('UNAUTHENTICATED', 'A bearer token is required');
    const caller = await this.#identify(token);
    const nowMs = steadyMs();
    const limited = caller.isService
      ? this.#serviceLimits.refuse(caller.tokenIndex, nowMs)
      : this.#limits.refuse(caller.userId, cost, nowMs);
    if (limited !== undefined) throw limited;
    if (by === 'user or service' || by === (caller.isService ? 'service' : 'user')) return caller;
    throw new KahaError('FORBIDDEN', 'This is not for callers with such a token');
  }

  async #identify(token: string): Promise<Known> {
    const tokenIndex = this.#tokens.find(token);
    if (tokenIndex !== undefined) {
      const service = this.#tokens.nameOf(tokenIndex);
      return { isService: true, userId: undefined, service, issuedAt: 0, tokenIndex };
    }
    const { userId, issuedAt } = await this.#judge.verifyNow(token);
    return { isService: false, userId, service: undefined, issuedAt };
  }
}
