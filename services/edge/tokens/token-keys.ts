import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import type { TokenConfig } from '../config.ts';

/** Tokens are signed with these keys. */
export type TokenKeys = {
  /** Returns a key that is here and fits the algorithm, or undefined where only `find` can tell. */
  here(algorithm: string, keyId: unknown): KeyObject | undefined;
  /** Finds a key for the library, and asks the key server where the key is not known. */
  find: JWTVerifyGetKey;
  /** Takes over the keys that the key server has now; rejects where it does not answer. */
  load(): Promise<void>;
};

export function createTokenKeys(config: TokenConfig['key']): TokenKeys {
  return config.kind === 'secret' ? secretKeys(config.secret) : remoteKeys(new URL(config.url));
}

/** A slow key server must not eat the 5 s in which a client has to be authenticated. */
const JWKS_TIMEOUT_MS = 2_000;
const JWKS_COOLDOWN_MS = 5_000;
/**
 * The library keeps the keys for this long. The edge loads them more often, see `LOAD_KEYS_MS`, so
 * `find` seldom has to.
 */
const JWKS_CACHE_MS = 600_000;
const RSA_BITS_MIN = 2_048;

function secretKeys(secret: string): TokenKeys {
  const bytes = new TextEncoder().encode(secret);
  const key = createSecretKey(bytes);
  return { here: () => key, find: async () => bytes, load: async () => undefined };
}

/** Gets keys from the key server. While it is away, the keys that it last gave are good. */
function remoteKeys(url: URL): TokenKeys {
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_CACHE_MS,
  });
  let keys: ReadonlyMap<string, { jwk: JWK; key: KeyObject }> = new Map();
  const adopt = (): void => {
    const found = (remote.jwks()?.keys ?? []).flatMap((jwk) => {
      const key = publicKeyOf(jwk);
      return key === undefined || jwk.kid === undefined ? [] : [[jwk.kid, { jwk, key }] as const];
    });
    if (found.length > 0) keys = new Map(found);
  };
  return {
    here(algorithm, keyId) {
      const entry = typeof keyId === 'string' ? keys.get(keyId) : undefined;
      return entry !== undefined && fits(algorithm, entry.jwk) ? entry.key : undefined;
    },
    async find(header, token) {
      try {
        const key = await remote(header, token);
        adopt();
        return key;
      } catch (error) {
        const last = remote.jwks();
        if (error instanceof errors.JWKSNoMatchingKey || last === undefined) throw error;
        return createLocalJWKSet(last)(header, token);
      }
    },
    async load() {
      await remote.reload();
      adopt();
    },
  };
}

function publicKeyOf(jwk: JWK): KeyObject | undefined {
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined;
  try {
    const key = createPublicKey({ key: jwk as never, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
    return bits >= RSA_BITS_MIN ? key : undefined;
  } catch {
    // This version of Node does not know this kind of key: the library verifies tokens of it.
    return undefined;
  }
}

/**
 * Tells whether a key fits an algorithm: the one that the key names, or if it names none, those of
 * its kind.
 */
function fits(algorithm: string, jwk: JWK): boolean {
  const isOfKind = KINDS[`${jwk.kty} ${jwk.crv ?? ''}`]?.includes(algorithm) ?? false;
  return isOfKind && (jwk.alg === undefined || jwk.alg === algorithm);
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  'RSA ': ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};
