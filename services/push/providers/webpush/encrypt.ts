import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** The public key is an uncompressed point of P-256, and the secret is what the browser drew. */
type BrowserKeys = { p256dh: Buffer; auth: Buffer };

/** A sender draws these anew for each push. */
type Ephemeral = { salt: Buffer; privateKey: Buffer };

const CURVE = 'prime256v1';
const RECORD_BYTES = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
/** One record is the last one. */
const LAST_RECORD = Buffer.of(2);

/**
 * Encrypts a push as RFC 8291 says, in one record of `aes128gcm` (RFC 8188). Only the browser that
 * has the private key of `p256dh` can read it. Throws if `p256dh` is no point of the curve.
 */
export function encrypt(
  text: Buffer,
  { p256dh, auth }: BrowserKeys,
  { salt, privateKey }: Ephemeral = drawEphemeral(),
): Buffer {
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(privateKey);
  const publicKey = ecdh.getPublicKey();
  const shared = ecdh.computeSecret(p256dh);
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, publicKey]);
  const input = derive(shared, { salt: auth, info: keyInfo, bytes: 32 });
  const key = derive(input, { salt, info: infoOf('aes128gcm'), bytes: KEY_BYTES });
  const nonce = derive(input, { salt, info: infoOf('nonce'), bytes: NONCE_BYTES });
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(RECORD_BYTES);
  return Buffer.concat([
    ...[salt, size, Buffer.of(publicKey.length), publicKey],
    ...[cipher.update(Buffer.concat([text, LAST_RECORD])), cipher.final(), cipher.getAuthTag()],
  ]);
}

function drawEphemeral(): Ephemeral {
  const ecdh = createECDH(CURVE);
  ecdh.generateKeys();
  return { salt: randomBytes(SALT_BYTES), privateKey: ecdh.getPrivateKey() };
}

type Derivation = { salt: Buffer; info: Buffer; bytes: number };

function derive(secret: Buffer, { salt, info, bytes }: Derivation): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
}

function infoOf(what: string): Buffer {
  return Buffer.from(`Content-Encoding: ${what}\0`);
}
