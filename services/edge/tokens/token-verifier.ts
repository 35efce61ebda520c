import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { KahaError } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { TokenConfig } from '../config.ts';
import type { SigningKey } from './signing-key.ts';
import { type Claims, readClaims } from './token-claims.ts';
import { createTokenKeys, KeysUnknownError, type TokenKeys } from './token-keys.ts';
import { type SignedToken, splitToken } from './token-parts.ts';
import { isSignatureRight } from './token-signature.ts';
import { WastedTime } from './wasted-time.ts';

/** A verified token is good until it ends, and until its key is withdrawn. */
export type VerifiedToken = Claims & { key: SigningKey };

/** The cache remembers this many tokens, ~250 bytes each. */
const CACHE_ENTRIES_MAX = 50_000;
const MS_PER_S = 1_000;

/**
 * Verifies tokens: signature by the configured algorithms only, `exp` required, `nbf`, `iss`,
 * `aud`, and a `sub` that is a lower-case UUID v4. A good token is remembered by its SHA-256 until
 * it ends or its key is withdrawn. The signature is judged last, because nothing else takes long.
 *
 * Throws UNAUTHENTICATED for a bad token, and INVALID_REQUEST (431) for one that is longer than 8
 * KiB. Where a token cannot be judged now, it throws PROFILE_SERVICE_UNAVAILABLE if the key is not
 * known and the key server may have it, and MESSAGING_UNAVAILABLE if wrong signatures have taken
 * half of the edge's time.
 */
export class TokenVerifier {
  readonly #config: TokenConfig;
  readonly #keys: TokenKeys;
  readonly #now: () => number;
  readonly #wasted = new WastedTime();
  readonly #known = new LRUCache<string, VerifiedToken>({ max: CACHE_ENTRIES_MAX });

  constructor(config: TokenConfig, deps: { logger: Logger; now?: () => number }) {
    this.#config = config;
    this.#now = deps.now ?? steadyMs;
    this.#keys = createTokenKeys(config, deps);
  }

  /** Loads the keys of the key server. Rejects where the server does not give them. */
  loadKeys(): Promise<void> {
    return this.#keys.load();
  }

  get keyCount(): number {
    return this.#keys.size;
  }

  /** The key server gave its keys so many seconds ago; Infinity where it never did. */
  get keysAgeS(): number {
    return this.#keys.ageMs / MS_PER_S;
  }

  /** Verifies a token at once, or later where the key server has to be asked for its key. */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    if (token.length > LIMITS.tokenCharactersMax) throw new KahaError(...TOO_LONG);
    const digest = digestOf(token);
    const known = this.#remembered(digest);
    if (known !== undefined) return known;
    const signed = splitToken(token);
    if (signed === undefined) throw badToken('The token is malformed');
    if (!this.#config.algorithms.includes(signed.algorithm)) {
      throw badToken('The token has another algorithm');
    }
    const claims = this.#claimsOf(signed);
    const key = this.#keyOf(signed);
    if (key === undefined) return this.#verifyLater(signed, digest);
    return this.#remember(digest, { ...claims, key });
  }

  #remembered(digest: string): VerifiedToken | undefined {
    const known = this.#known.get(digest);
    const isGood = known !== undefined && known.endsAt > Date.now() && !known.key.isWithdrawn;
    return isGood ? known : undefined;
  }

  /**
   * Finds the key that signed the token, or returns undefined where the key server may have it.
   * That may also be so for a signature that is wrong for all keys, if the token names none.
   */
  #keyOf(signed: SignedToken): SigningKey | undefined {
    const named = this.#keys.named(signed.algorithm, signed.keyId);
    if (named === 'unknown') return undefined;
    if (named.keys.length === 0) throw badToken('The key is not good');
    const found = this.#signerOf(signed, named.keys);
    if (found !== undefined || signed.keyId === undefined) return found;
    throw badToken('The signature is wrong');
  }

  #signerOf(signed: SignedToken, keys: readonly SigningKey[]): SigningKey | undefined {
    const startedAt = this.#now();
    if (this.#wasted.isSpent(startedAt)) throw new KahaError(...TOO_MANY_BAD);
    const found = keys.find(({ key }) => isSignatureRight(signed.algorithm, key, signed));
    const nowMs = this.#now();
    if (found === undefined) this.#wasted.add(nowMs - startedAt, nowMs);
    return found;
  }

  async #verifyLater(signed: SignedToken, digest: string): Promise<VerifiedToken> {
    let failure: unknown;
    try {
      await this.#keys.ask();
    } catch (error) {
      // The keys that another question has brought meanwhile may tell all the same.
      failure = error;
    }
    const key = this.#keyOf(signed);
    if (key !== undefined) return this.#remember(digest, { ...this.#claimsOf(signed), key });
    throw failure === undefined ? badToken('The key is not known') : cannotJudge(failure);
  }

  #claimsOf(signed: SignedToken): Claims {
    const claims = readClaims(signed.claims, this.#config, Date.now());
    if (typeof claims === 'string') throw badToken(claims);
    return claims;
  }

  #remember(digest: string, verified: VerifiedToken): VerifiedToken {
    this.#known.set(digest, verified);
    return verified;
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

const TOO_LONG = [
  'INVALID_REQUEST',
  `The token is longer than ${LIMITS.tokenCharactersMax} characters`,
  { status: 431 },
] as const;

const TOO_MANY_BAD = [
  'MESSAGING_UNAVAILABLE',
  'Too many bad tokens at once',
  { retryAfterS: 1 },
] as const;

function cannotJudge(cause: unknown): KahaError {
  const retryAfterS = cause instanceof KeysUnknownError ? Math.ceil(cause.forMs / MS_PER_S) : 0;
  return new KahaError('PROFILE_SERVICE_UNAVAILABLE', 'The token cannot be judged now', {
    cause,
    retryAfterS: Math.max(1, retryAfterS),
  });
}

function badToken(message: string): KahaError {
  return new KahaError('UNAUTHENTICATED', message);
}
