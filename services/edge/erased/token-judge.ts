import type { TokenVerifier, VerifiedToken } from '../tokens/token-verifier.ts';
import type { ErasedUsers } from './erased-users.ts';
import { UserErased } from './user-erased.ts';

type Deps = { verifier: Pick<TokenVerifier, 'verify'>; erased: ErasedUsers };

/** Judges the tokens of users: a good one whose user was erased is refused with `UserErased`. */
export class TokenJudge {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Throws what the verifier throws, too. */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    const verified = this.#deps.verifier.verify(token);
    return verified instanceof Promise
      ? verified.then((later) => this.#judge(later))
      : this.#judge(verified);
  }

  /** Judges by all erasures until now. Rejects where they cannot be known. */
  async verifyNow(token: string): Promise<VerifiedToken> {
    const verified = await this.#deps.verifier.verify(token);
    await this.#deps.erased.current();
    return this.#judge(verified);
  }

  #judge(verified: VerifiedToken): VerifiedToken {
    if (this.#deps.erased.has(verified.userId)) throw new UserErased();
    return verified;
  }
}
