import { ChatError } from '../errors.ts';
import { readClaims } from './token-claims.ts';

type GetToken = () => string | Promise<string>;

export type Tokens = {
  /** Resolves with a token. `isFresh` demands one that was not used before. */
  get(isFresh?: boolean): Promise<string>;
  /** Takes the server's time, because the clock of this machine may be wrong. */
  setServerTime(serverTime: string): void;
  forget(): void;
};

/** A token that ends sooner is not used for anything new. */
const LEFT_MS_MIN = 30_000;
const MS_PER_S = 1_000;

/**
 * Keeps the token until shortly before its end, and asks the application for another one then. All
 * who ask at once share one call of `getToken`.
 */
export function createTokens(getToken: GetToken, now: () => number): Tokens {
  let token: string | undefined;
  let asking: Promise<string> | undefined;
  /** The server's clock is so far ahead of this one. */
  let aheadMs = 0;

  const ask = async (): Promise<string> => {
    try {
      token = await getToken();
    } catch (cause) {
      throw new ChatError('NO_TOKEN', 'getToken failed', { cause });
    }
    if (!token) throw new ChatError('NO_TOKEN', 'getToken gave no token');
    return token;
  };
  const isGood = (): boolean => {
    const { exp } = readClaims(token as string);
    return exp === undefined || exp * MS_PER_S - now() - aheadMs > LEFT_MS_MIN;
  };
  return {
    async get(isFresh) {
      if (!isFresh && token && isGood()) return token;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    setServerTime(serverTime) {
      aheadMs = Date.parse(serverTime) - now() || 0;
    },
    forget() {
      token = undefined;
    },
  };
}
