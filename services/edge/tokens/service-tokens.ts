import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Knows the tokens of services. A token is compared with all of them by their SHA-256, in a time
 * that reveals nothing of any token.
 */
export class ServiceTokens {
  readonly #digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  /** Returns the index of the token in the configuration, or undefined if it is not there. */
  find(token: string): number | undefined {
    const given = digest(token);
    let found: number | undefined;
    for (const [index, known] of this.#digests.entries()) {
      if (timingSafeEqual(given, known)) found = index;
    }
    return found;
  }
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
