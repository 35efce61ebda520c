import { createSecretKey } from 'node:crypto';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { TokenConfig } from '../config.ts';
import { askKeyServer } from './key-server.ts';
import { KeySet } from './key-set.ts';
import type { SigningKey } from './signing-key.ts';

/**
 * This is what the edge knows of the key that a token names:
 *
 * - `keys`: one of these signed the token, or the token is bad. The list may be empty.
 * - `unknown`: the key server may know the key.
 */
type Named = { keys: readonly SigningKey[] } | 'unknown';

/** Tokens are signed with these keys. */
export type TokenKeys = {
  named(algorithm: string, keyId: string | undefined): Named;
  /**
   * Asks for the keys, and rejects with a KeysUnknownError where nobody can tell now which keys are
   * good. After it has resolved, a token whose key is still unknown is bad.
   */
  ask(): Promise<void>;
  /** Takes over the keys that the key server has now; rejects where it does not answer. */
  load(): Promise<void>;
  readonly size: number;
  /** The key server gave its keys so many ms ago; Infinity where it never did. */
  readonly ageMs: number;
};

/** Nobody can tell for these ms which keys are good. */
export class KeysUnknownError extends Error {
  override readonly name = 'KeysUnknownError';
  readonly forMs: number;

  constructor(forMs: number, cause?: unknown) {
    super('the keys for tokens are not known now', { cause });
    this.forMs = forMs;
  }
}

type Deps = { logger: Logger; now?: () => number };

export function createTokenKeys(config: TokenConfig, deps: Deps): TokenKeys {
  const { key } = config;
  return key.kind === 'secret'
    ? secretKeys(key.secret, config.algorithms)
    : new ServedKeys(key.url, deps);
}

function secretKeys(secret: string, algorithms: readonly string[]): TokenKeys {
  const key = createSecretKey(new TextEncoder().encode(secret));
  const keys = [{ keyId: undefined, mark: 'secret', key, algorithms, isWithdrawn: false }];
  return {
    named: () => ({ keys }),
    ask: async () => undefined,
    load: async () => undefined,
    size: 1,
    ageMs: 0,
  };
}

/** Tokens of unknown keys make an edge ask the key server only so often. */
const PAUSE_MS = 5_000;

/**
 * Gets keys from the key server. While the server is away, hangs or answers nonsense, the keys that
 * it last gave are good.
 */
class ServedKeys implements TokenKeys {
  readonly #url: string;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #set = new KeySet();
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(url: string, { logger, now = steadyMs }: Deps) {
    this.#url = url;
    this.#logger = logger;
    this.#now = now;
  }

  get size(): number {
    return this.#set.size;
  }

  get ageMs(): number {
    return this.#now() - this.#answeredAt;
  }

  named(algorithm: string, keyId: string | undefined): Named {
    const found = this.#set.named(keyId);
    const keys = found.filter(({ algorithms }) => algorithms.includes(algorithm));
    if (keyId === undefined) return keys.length > 0 ? { keys } : 'unknown';
    return found.length > 0 || this.#set.isWithdrawn(keyId) ? { keys } : 'unknown';
  }

  /** An answer that was on its way before the token came may be older than the token's key. */
  async ask(): Promise<void> {
    const hasToWait = this.#asking !== undefined || this.#pauseMs > 0;
    if (!hasToWait) this.#asking = this.#fetch();
    try {
      await this.#asking;
    } catch (error) {
      throw new KeysUnknownError(this.#pauseMs, error);
    }
    if (hasToWait || this.#set.size === 0) throw new KeysUnknownError(this.#pauseMs);
  }

  load(): Promise<void> {
    this.#asking ??= this.#fetch();
    return this.#asking;
  }

  get #pauseMs(): number {
    return Math.max(0, this.#askedAt + PAUSE_MS - this.#now());
  }

  async #fetch(): Promise<void> {
    this.#askedAt = this.#now();
    try {
      const answered = await askKeyServer(this.#url);
      const withdrawn = this.#set.adopt(answered, this.#now());
      for (const { keyId } of withdrawn) this.#logger.warn({ keyId }, 'a key was withdrawn');
      if (answered.length === 0) throw new Error('the key server has no keys');
      this.#answeredAt = this.#now();
    } finally {
      this.#asking = undefined;
    }
  }
}
