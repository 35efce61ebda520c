import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** One draw of random bytes serves many IVs, because a draw costs more than an encryption. */
const IV_POOL_BYTES = IV_BYTES * 1024;

/** The additional data, here called the place, is where the ciphertext belongs. */
type Sealing = { key: Buffer; place: string };

/**
 * The function encrypts with AES-256-GCM. The result is
 * `iv (12 bytes) ‖ ciphertext ‖ tag (16 bytes)`. IVs are random, which is safe for 2^32 encryptions
 * per key (NIST SP 800-38D).
 */
export function seal(plain: string | Buffer, { key, place }: Sealing): Buffer {
  const iv = nextIv();
  const cipher = createCipheriv(ALGORITHM, key, iv);
  cipher.setAAD(Buffer.from(place, 'latin1'));
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  cipher.final(); // GCM is a stream mode, so `final` returns no bytes.
  return Buffer.concat([iv, body, cipher.getAuthTag()]);
}

/** The call throws if the bytes are not the ones that were sealed with the key for the place. */
export function unseal(sealed: Buffer, { key, place }: Sealing): Buffer {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new Error('ciphertext is too short');
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES));
  decipher.setAAD(Buffer.from(place, 'latin1'));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const body = decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES));
  return Buffer.concat([body, decipher.final()]);
}

/** Random bytes belong to no key, so all keys of a process draw from one pool. */
const ivs = { pool: Buffer.alloc(0), used: 0 };

function nextIv(): Buffer {
  if (ivs.used === ivs.pool.length) {
    ivs.pool = randomFillSync(Buffer.alloc(IV_POOL_BYTES));
    ivs.used = 0;
  }
  ivs.used += IV_BYTES;
  return ivs.pool.subarray(ivs.used - IV_BYTES, ivs.used);
}
