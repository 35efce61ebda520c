import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { ConversationId, MessageId, UserId } from '../../../shared/ids.ts';
import type { ContentKey } from './content-keys.ts';
import type { NoteUnreadable } from './unreadable-texts.ts';

/** A ciphertext belongs to one place; moved to another row or field it cannot be decrypted. */
type CipherPlace = MessageCipherPlace | { user_id: UserId; field: 'chats' };
export type MessageCipherPlace = {
  conversation_id: ConversationId;
  message_id: MessageId;
  field: 'content' | 'metadata';
  /** An earlier text has here the last version of the message that had this text. */
  version?: number;
};

export type ContentCipher = {
  /** `encrypt` uses the key with this id; callers store the id beside the ciphertext. */
  readonly keyId: string;
  /** The result is `iv (12 bytes) ‖ ciphertext ‖ tag (16 bytes)`. */
  encrypt(plain: string, place: CipherPlace): Buffer;
  /**
   * The call throws if the key is unknown or the bytes are not the ones encrypted for the place.
   */
  decrypt(sealed: Buffer, keyId: string, place: CipherPlace): string;
  /** Where `decrypt` would throw, the result is undefined, and the text is noted as unreadable. */
  tryDecrypt(sealed: Buffer, keyId: string, place: CipherPlace): string | undefined;
};

/** Opens a text: `decrypt` where an unreadable one must fail, else `tryDecrypt`. */
export type OpenText = ContentCipher['tryDecrypt'];

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** One draw of random bytes serves many IVs, because a draw costs more than an encryption. */
const IV_POOL_BYTES = IV_BYTES * 1024;

/**
 * The cipher encrypts content with AES-256-GCM on its way to Postgres, so that nobody can read
 * content in the database or a backup. IVs are random, which is safe for 2^32 encryptions per key
 * (NIST SP 800-38D): operators must change the key before that. `noteUse` hears of each.
 */
export function createContentCipher(
  keys: readonly ContentKey[],
  noteUnreadable: NoteUnreadable = () => undefined,
  noteUse: () => void = () => undefined,
): ContentCipher {
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const current = keys[0];
  if (current === undefined) throw new Error('no content key');
  const nextIv = createIvSource();
  const decrypt: ContentCipher['decrypt'] = (sealed, keyId, place) => {
    const key = byId.get(keyId);
    if (key === undefined) throw new Error(`content key ${keyId} is not configured`);
    if (sealed.length < IV_BYTES + TAG_BYTES) throw new Error('ciphertext is too short');
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES));
    decipher.setAAD(aadOf(place));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const body = decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  };

  return {
    keyId: current.id,
    encrypt(plain, place) {
      noteUse();
      const iv = nextIv();
      const cipher = createCipheriv(ALGORITHM, current.key, iv);
      cipher.setAAD(aadOf(place));
      const body = cipher.update(plain, 'utf8');
      cipher.final(); // GCM is a stream mode, so `final` returns no bytes.
      return Buffer.concat([iv, body, cipher.getAuthTag()]);
    },
    decrypt,
    tryDecrypt(sealed, keyId, place) {
      try {
        return decrypt(sealed, keyId, place);
      } catch {
        noteUnreadable(byId.has(keyId) ? 'damaged' : 'unknown_key', keyId);
        return undefined;
      }
    },
  };
}

function aadOf(belongsTo: CipherPlace): Buffer {
  if (belongsTo.field === 'chats') return Buffer.from(`${belongsTo.user_id}/chats`, 'latin1');
  const { conversation_id, message_id, field, version } = belongsTo;
  const place = `${conversation_id}/${message_id}/${field}`;
  return Buffer.from(version === undefined ? place : `${place}/${version}`, 'latin1');
}

function createIvSource(): () => Buffer {
  let pool = Buffer.alloc(IV_POOL_BYTES);
  let used = IV_POOL_BYTES;
  return () => {
    if (used === IV_POOL_BYTES) {
      pool = randomFillSync(Buffer.alloc(IV_POOL_BYTES));
      used = 0;
    }
    used += IV_BYTES;
    return pool.subarray(used - IV_BYTES, used);
  };
}
