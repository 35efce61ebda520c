import { ChatError } from '../errors.ts';
import { readClaims } from './token-claims.ts';

type GetToken = () => string | Promise<string>;

/** A token that ends sooner is not used for anything new. */
const LEFT_MS_MIN = 30_000;
const MS_PER_S = 1_000;

/**
 * Keeps the token until shortly before its end, and asks the application for another one then. All
 * who ask at once share one call of `getToken`.
 */
export class Tokens {
  readonly #getToken: GetToken;
  readonly #now: () => number;
  #token: string | undefined;
  #asking: Promise<string> | undefined;
  /** The server's clock is so far ahead of this one. */
  #aheadMs = 0;

  constructor(getToken: GetToken, now: () => number) {
    this.#getToken = getToken;
    this.#now = now;
  }

  /** Takes the server's time, because the clock of this machine may be wrong. */
  setServerTime(serverTime: string): void {
    const ms = Date.parse(serverTime);
    if (!Number.isNaN(ms)) this.#aheadMs = ms - this.#now();
  }

  /** Resolves with a token. `isFresh` demands one that was not used before. */
  async get(isFresh = false): Promise<string> {
    if (!isFresh && this.#token !== undefined && this.#isGood(this.#token)) return this.#token;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  forget(): void {
    this.#token = undefined;
  }

  #isGood(token: string): boolean {
    const { exp } = readClaims(token);
    if (exp === undefined) return true;
    return exp * MS_PER_S - (this.#now() + this.#aheadMs) > LEFT_MS_MIN;
  }

  async #ask(): Promise<string> {
    try {
      const token = await this.#getToken();
      if (typeof token !== 'string' || token === '') throw new Error('it is no string');
      this.#token = token;
      return token;
    } catch (cause) {
      throw new ChatError('NO_TOKEN', 'getToken gave no token', { cause });
    }
  }
}
