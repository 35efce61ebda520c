import { hash, timingSafeEqual } from 'node:crypto';

const NAME_CHARACTERS = 8;

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

  /**
   * The name of a token tells records by which token something was asked for. It is the beginning
   * of the token's SHA-256 in hex, from which nobody can guess a token.
   */
  nameOf(index: number): string {
    const known = this.#digests[index];
    if (known === undefined) throw new Error(`there is no service token ${index}`);
    return known.toString('hex').slice(0, NAME_CHARACTERS);
  }
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
