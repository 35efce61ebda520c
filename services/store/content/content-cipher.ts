import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { ContentKey } from './content-keys.ts';
import { seal, unseal } from './sealed-text.ts';
import type { NoteUnreadable } from './unreadable-texts.ts';

/** A ciphertext belongs to one place; moved to another row or field it cannot be decrypted. */
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
  encrypt(plain: string, place: MessageCipherPlace): Buffer;
  /**
   * The call throws if the key is unknown or the bytes are not the ones encrypted for the place.
   */
  decrypt(sealed: Buffer, keyId: string, place: MessageCipherPlace): string;
  /** Where `decrypt` would throw, the result is undefined, and the text is noted as unreadable. */
  tryDecrypt(sealed: Buffer, keyId: string, place: MessageCipherPlace): string | undefined;
};

/** Opens a text: `decrypt` where an unreadable one must fail, else `tryDecrypt`. */
export type OpenText = ContentCipher['tryDecrypt'];

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
  const decrypt: ContentCipher['decrypt'] = (sealed, keyId, place) => {
    const key = byId.get(keyId);
    if (key === undefined) throw new Error(`content key ${keyId} is not configured`);
    return unseal(sealed, { key, place: textOf(place) }).toString('utf8');
  };

  return {
    keyId: current.id,
    encrypt(plain, place) {
      noteUse();
      return seal(plain, { key: current.key, place: textOf(place) });
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

function textOf({ conversation_id, message_id, field, version }: MessageCipherPlace): string {
  const place = `${conversation_id}/${message_id}/${field}`;
  return version === undefined ? place : `${place}/${version}`;
}
