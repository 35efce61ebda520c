import { createPublicKey, hash, type JsonWebKey, type KeyObject } from 'node:crypto';

/**
 * Tokens are signed with this key. Whatever was verified with it holds the key itself, so it learns
 * of the withdrawal without being looked for.
 */
export type SigningKey = {
  /** The tokens of the key name it by this `kid`, unless it has none. */
  readonly keyId: string | undefined;
  /** Two keys with the same mark are the same key: it tells of the `kid` and of the key itself. */
  readonly mark: string;
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
  isWithdrawn: boolean;
};

/** The key server answered something that is no set of keys. */
class BadKeySetError extends Error {
  override readonly name = 'BadKeySetError';
}

const RSA_BITS_MIN = 2_048;
/** Identity providers publish two or three keys, and large ones about ten. */
const KEYS_MAX = 64;

/**
 * Reads a JWKS. A key that cannot sign tokens, or that this version of Node does not know, is left
 * out. An empty set is a good answer. Throws BadKeySetError where the text is no JWKS, where it has
 * more than 64 keys, and where it has keys of which none can be used.
 */
export function readKeySet(text: string): SigningKey[] {
  const listed = listedKeys(text);
  if (listed.length > KEYS_MAX) throw new BadKeySetError(`more than ${KEYS_MAX} keys`);
  const keys = new Map(listed.flatMap(readKey).map((key) => [key.mark, key]));
  if (keys.size === 0 && listed.length > 0) throw new BadKeySetError('no key can be used');
  return [...keys.values()];
}

function listedKeys(text: string): unknown[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw new BadKeySetError('the key server did not answer JSON', { cause: error });
  }
  const keys = isObject(answer) ? answer.keys : undefined;
  if (!Array.isArray(keys)) throw new BadKeySetError('the answer has no list of keys');
  return keys;
}

function readKey(jwk: unknown): SigningKey[] {
  if (!isObject(jwk)) return [];
  const { kid, kty, crv, alg, use } = jwk;
  const ofKind = KINDS[`${String(kty)} ${String(crv ?? '')}`] ?? [];
  const algorithms = alg === undefined ? ofKind : ofKind.filter((name) => name === alg);
  const key = publicKeyOf(jwk);
  if (algorithms.length === 0 || key === undefined) return [];
  if (use !== undefined && use !== 'sig') return [];
  const keyId = typeof kid === 'string' ? kid : undefined;
  const material = key.export({ type: 'spki', format: 'der' }).toString('base64');
  const mark = hash('sha256', JSON.stringify([keyId ?? null, algorithms, material]));
  return [{ keyId, mark, key, algorithms, isWithdrawn: false }];
}

function publicKeyOf(jwk: JsonWebKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
    return bits >= RSA_BITS_MIN ? key : undefined;
  } catch {
    // The key is malformed, or this version of Node does not know its kind.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  'RSA ': ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};
