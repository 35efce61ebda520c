import { hkdfSync } from 'node:crypto';

/** A key that is derived for one purpose opens nothing of another purpose. */
export type Purpose =
  | 'chats'
  | 'content'
  | 'metadata'
  | 'revision'
  | 'push'
  | 'push-token'
  | 'erasures';

const KEY_BYTES = 32;

/**
 * Derives a key by HKDF-SHA256. The key differs for each purpose and for each thing that it is for,
 * here called `of`. Nobody can compute the given key from the derived one.
 */
export function deriveKey(key: Buffer, purpose: Purpose, of: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `kaha ${purpose} ${of}`, KEY_BYTES));
}
