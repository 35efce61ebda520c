import { webcrypto } from 'node:crypto';

/** A browser draws these when it subscribes. */
export type BrowserSecrets = { privateKey: Buffer; p256dh: Buffer; auth: Buffer };

const { subtle } = webcrypto;
const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const SALT_END = 16;
const SIZE_END = 20;
const POINT_BYTES = 65;
const TAG_BYTES = 16;
const LAST_RECORD = 2;

/**
 * Decrypts the body of a push as a browser does (RFC 8291 and RFC 8188, one record). It stands on
 * WebCrypto, so that it shares nothing with what encrypts. Rejects if the body is not for it.
 */
export async function decrypt(body: Buffer, secrets: BrowserSecrets): Promise<Buffer> {
  const [salt, rest] = [body.subarray(0, SALT_END), body.subarray(SIZE_END)];
  const size = body.readUInt32BE(SALT_END);
  if (rest[0] !== POINT_BYTES) throw new Error('the body names no key of the sender');
  const sender = rest.subarray(1, 1 + POINT_BYTES);
  const record = rest.subarray(1 + POINT_BYTES);
  if (record.length > size) throw new Error('the body has more than one record');
  const shared = await agree(secrets, sender);
  const info = [Buffer.from('WebPush: info\0'), secrets.p256dh, sender];
  const input = await derive(shared, { salt: secrets.auth, info: Buffer.concat(info), bytes: 32 });
  const key = await derive(input, { salt, info: infoOf('aes128gcm'), bytes: 16 });
  const iv = await derive(input, { salt, info: infoOf('nonce'), bytes: 12 });
  const aes = await subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const algorithm = { name: 'AES-GCM', iv, tagLength: TAG_BYTES * 8 };
  const padded = Buffer.from(await subtle.decrypt(algorithm, aes, record));
  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== LAST_RECORD) throw new Error('the record is not the last one');
  return padded.subarray(0, end);
}

async function agree({ privateKey, p256dh }: BrowserSecrets, sender: Buffer): Promise<Buffer> {
  const coordinate = (from: number): string =>
    p256dh.subarray(from, from + 32).toString('base64url');
  const d = privateKey.toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33), d };
  const own = await subtle.importKey('jwk', jwk, CURVE, false, ['deriveBits']);
  const theirs = await subtle.importKey('raw', sender, CURVE, false, []);
  return Buffer.from(await subtle.deriveBits({ name: 'ECDH', public: theirs }, own, 256));
}

type Derivation = { salt: Buffer; info: Buffer; bytes: number };

async function derive(secret: Buffer, { salt, info, bytes }: Derivation): Promise<Buffer> {
  const key = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info };
  return Buffer.from(await subtle.deriveBits(algorithm, key, bytes * 8));
}

function infoOf(what: string): Buffer {
  return Buffer.from(`Content-Encoding: ${what}\0`);
}
