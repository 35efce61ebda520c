import { hash } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { KahaError } from '../../shared/errors.ts';
import { isUuidV4, type UserId } from '../../shared/ids.ts';
import type { TokenConfig } from './config.ts';

/** Whose token it is, and when it ends (epoch ms). */
export type VerifiedToken = { userId: UserId; endsAt: number };

/** ~250 bytes each. */
const CACHE_ENTRIES_MAX = 50_000;
const TOKEN_CHARACTERS_MAX = 16_384;
const MS_PER_S = 1_000;
/** A slow key server must not eat the 5 s in which a client has to be authenticated. */
const JWKS_TIMEOUT_MS = 2_000;
const JWKS_COOLDOWN_MS = 5_000;
const JWKS_CACHE_MS = 600_000;

/**
 * Verifies tokens: signature by the configured algorithms only, `exp` required, `nbf`, `iss`,
 * `aud`, and a `sub` that is a lower-case UUID v4. A good token is remembered by its SHA-256 until
 * it ends. Throws UNAUTHENTICATED for a bad token and PROFILE_SERVICE_UNAVAILABLE where the keys
 * cannot be had.
 */
export class TokenVerifier {
  readonly #config: TokenConfig;
  readonly #key: JWTVerifyGetKey;
  readonly #known = new LRUCache<string, VerifiedToken>({ max: CACHE_ENTRIES_MAX });

  constructor(config: TokenConfig) {
    this.#config = config;
    this.#key = keyOf(config.key);
  }

  /** The token if it is known and still good; undefined says nothing about it. */
  recall(token: string, nowMs: number): VerifiedToken | undefined {
    const known = this.#known.get(digestOf(token));
    return known !== undefined && known.endsAt > nowMs ? known : undefined;
  }

  async verify(token: string): Promise<VerifiedToken> {
    if (token.length > TOKEN_CHARACTERS_MAX) throw badToken('The token is too long');
    const known = this.recall(token, Date.now());
    if (known !== undefined) return known;
    const { algorithms, issuer, audience } = this.#config;
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms,
        requiredClaims: ['exp', 'sub'],
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      });
      if (!isUuidV4(payload.sub)) throw badToken('The token names no user');
      const verified = { userId: payload.sub, endsAt: (payload.exp as number) * MS_PER_S };
      this.#known.set(digestOf(token), verified);
      return verified;
    } catch (error) {
      throw asKahaError(error);
    }
  }
}

function keyOf(key: TokenConfig['key']): JWTVerifyGetKey {
  if (key.kind === 'secret') {
    const secret = new TextEncoder().encode(key.secret);
    return () => secret as never;
  }
  return remoteKeys(new URL(key.url));
}

/** The key server's keys; while it is away, those it last gave. */
function remoteKeys(url: URL): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_CACHE_MS,
  });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      const last = remote.jwks();
      if (error instanceof errors.JWKSNoMatchingKey || last === undefined) throw error;
      return createLocalJWKSet(last)(header, token);
    }
  };
}

/** What jose says of the token itself; anything else is about reaching the keys. */
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

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
