import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';

type Check = (input: Buffer, signature: Buffer, key: KeyObject) => boolean;

/**
 * Tells at once whether a JWS signature is right, because uWS cuts some sockets that are upgraded
 * later than in their handler. The caller has chosen a key that fits the algorithm.
 */
export function isSignatureRight(
  algorithm: string,
  key: KeyObject,
  signed: { input: Buffer; signature: Buffer },
): boolean {
  const check = Object.hasOwn(CHECKS, algorithm) ? CHECKS[algorithm] : undefined;
  return check?.(signed.input, signed.signature, key) ?? false;
}

const hmac =
  (hash: string): Check =>
  (input, signature, key) => {
    const expected = createHmac(hash, key).update(input).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  };
const rsa =
  (hash: string): Check =>
  (input, signature, key) =>
    verify(hash, input, key, signature);
const rsaPss =
  (hash: string): Check =>
  (input, signature, key) => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return verify(hash, input, { key, padding, saltLength }, signature);
  };
const ecdsa =
  (hash: string): Check =>
  (input, signature, key) =>
    verify(hash, input, { key, dsaEncoding: 'ieee-p1363' }, signature);
const edwards: Check = (input, signature, key) => verify(null, input, key, signature);

const CHECKS: Readonly<Record<string, Check>> = {
  HS256: hmac('sha256'),
  HS384: hmac('sha384'),
  HS512: hmac('sha512'),
  RS256: rsa('sha256'),
  RS384: rsa('sha384'),
  RS512: rsa('sha512'),
  PS256: rsaPss('sha256'),
  PS384: rsaPss('sha384'),
  PS512: rsaPss('sha512'),
  ES256: ecdsa('sha256'),
  ES384: ecdsa('sha384'),
  EdDSA: edwards,
  Ed25519: edwards,
};
