import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { ConversationId, MessageId, UserId } from '../../../shared/ids.ts';
import type { ContentKey } from './content-keys.ts';

/** What a ciphertext belongs to; moved to another row or field it does not open. */
export type CipherPlace = MessageCipherPlace | { user_id: UserId; field: 'chats' };
export type MessageCipherPlace = {
  conversation_id: ConversationId;
  message_id: MessageId;
  field: 'content' | 'metadata';
  /** Of an earlier text: the last version of the message that read so. */
  version?: number;
};

export type ContentCipher = {
  /** The key that `encrypt` uses; stored beside what it made. */
  readonly keyId: string;
  /** `iv (12) ‖ ciphertext ‖ tag (16)`. */
  encrypt(plain: string, place: CipherPlace): Buffer;
  /** Throws where the key is unknown, or the bytes are not what was stored at that place. */
  decrypt(sealed: Buffer, keyId: string, place: CipherPlace): string;
};

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Random bytes are drawn for many IVs at once: a draw costs more than an encryption. */
const IV_POOL_BYTES = IV_BYTES * 1024;

/**
 * AES-256-GCM between the service and Postgres: who reads the database or a backup reads no
 * content. IVs are random, good for 2^32 messages a key (NIST SP 800-38D); change keys before.
 */
export function createContentCipher(keys: readonly ContentKey[]): ContentCipher {
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const current = keys[0];
  if (current === undefined) throw new Error('no content key');
  const nextIv = createIvSource();

  return {
    keyId: current.id,
    encrypt(plain, place) {
      const iv = nextIv();
      const cipher = createCipheriv(ALGORITHM, current.key, iv);
      cipher.setAAD(aadOf(place));
      const body = cipher.update(plain, 'utf8');
      cipher.final(); // GCM is a stream mode: nothing is left to come
      return Buffer.concat([iv, body, cipher.getAuthTag()]);
    },
    decrypt(sealed, keyId, place) {
      const key = byId.get(keyId);
      if (key === undefined) throw new Error(`content key ${keyId} is not configured`);
      if (sealed.length < IV_BYTES + TAG_BYTES) throw new Error('ciphertext is too short');
      const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES));
      decipher.setAAD(aadOf(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      const body = decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES));
      return Buffer.concat([body, decipher.final()]).toString('utf8');
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
