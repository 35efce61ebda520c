import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { KahaError } from '../../../shared/errors.ts';
import type { TokenConfig } from '../config.ts';
import { readClaims, type VerifiedToken } from './token-claims.ts';
import { createTokenKeys, type TokenKeys } from './token-keys.ts';
import { isKnownAlgorithm, isSignatureRight } from './token-signature.ts';

export type { VerifiedToken } from './token-claims.ts';

/** The cache remembers this many tokens, ~250 bytes each. */
const CACHE_ENTRIES_MAX = 50_000;
const TOKEN_CHARACTERS_MAX = 16_384;
const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/**
 * Verifies tokens: signature by the configured algorithms only, `exp` required, `nbf`, `iss`,
 * `aud`, and a `sub` that is a lower-case UUID v4. A good token is remembered by its SHA-256 until
 * it ends. Throws UNAUTHENTICATED for a bad token and PROFILE_SERVICE_UNAVAILABLE where the keys
 * cannot be had.
 */
export class TokenVerifier {
  readonly #config: TokenConfig;
  readonly #keys: TokenKeys;
  readonly #known = new LRUCache<string, VerifiedToken>({ max: CACHE_ENTRIES_MAX });

  constructor(config: TokenConfig) {
    this.#config = config;
    this.#keys = createTokenKeys(config.key);
  }

  /** Loads the keys of the key server, so that tokens can be verified at once. */
  loadKeys(): Promise<void> {
    return this.#keys.load();
  }

  /** Verifies a token at once, or later where its key is not here yet. */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    const nowMs = Date.now();
    if (token.length > TOKEN_CHARACTERS_MAX) throw badToken('The token is too long');
    const digest = hash('sha256', token, 'base64');
    const known = this.#known.get(digest);
    if (known !== undefined && known.endsAt > nowMs) return known;
    const claims = this.#claimsAtOnce(token);
    if (claims === undefined) return this.#verifyLater(token, digest);
    return this.#accept(claims, digest, nowMs);
  }

  /**
   * Returns the claims, or undefined where the library must verify the token, because its key is
   * not here or the token is unusual.
   */
  #claimsAtOnce(token: string): Record<string, unknown> | undefined {
    const [, head = '', body = '', tail = ''] = TOKEN.exec(token) ?? [];
    const header = parsePart(head);
    if (header === undefined) throw badToken('The token is malformed');
    const { alg, kid, crit } = header;
    if (typeof alg !== 'string' || !this.#config.algorithms.includes(alg)) {
      throw badToken('The token has another algorithm');
    }
    const key = this.#keys.here(alg, kid);
    if (key === undefined || crit !== undefined || !isKnownAlgorithm(alg)) return undefined;
    const input = Buffer.from(`${head}.${body}`, 'latin1');
    const signature = Buffer.from(tail, 'base64url');
    if (!isSignatureRight(alg, key, { input, signature })) {
      throw badToken('The signature is wrong');
    }
    const claims = parsePart(body);
    if (claims === undefined) throw badToken('The token is malformed');
    return claims;
  }

  async #verifyLater(token: string, digest: string): Promise<VerifiedToken> {
    const { algorithms } = this.#config;
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, { algorithms });
      return this.#accept(payload, digest, Date.now());
    } catch (error) {
      throw asKahaError(error);
    }
  }

  #accept(claims: Record<string, unknown>, digest: string, nowMs: number): VerifiedToken {
    const verified = readClaims(claims, this.#config, nowMs);
    if (typeof verified === 'string') throw badToken(verified);
    this.#known.set(digest, verified);
    return verified;
  }
}

function parsePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // The caller tells that the token is malformed.
    return undefined;
  }
}

/** Tells errors of the token itself from errors that are about reaching the keys. */
function asKahaError(error: unknown): KahaError {
  if (error instanceof KahaError) return error;
  const isAboutKeys =
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    !(error instanceof errors.JOSEError) ||
    error.code === 'ERR_JOSE_GENERIC';
  if (!isAboutKeys) return badToken('The token is not valid', error);
  return new KahaError('PROFILE_SERVICE_UNAVAILABLE', 'Tokens cannot be verified now', {
    cause: error,
  });
}

function badToken(message: string, cause?: unknown): KahaError {
  return new KahaError('UNAUTHENTICATED', message, { cause });
}
