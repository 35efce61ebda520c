import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { ConversationKey } from './conversation-key.ts';
import { nameOf } from './conversation-keys.ts';
import { generationOf } from './key-name.ts';
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
  /**
   * The call throws if the key is unknown or the bytes are not the ones encrypted for the place.
   */
  decrypt(sealed: Buffer, keyId: string, place: MessageCipherPlace): string;
  /** Where `decrypt` would throw, the result is undefined, and the text is noted as unreadable. */
  tryDecrypt(sealed: Buffer, keyId: string, place: MessageCipherPlace): string | undefined;
};

/** The cipher writes texts of one conversation with its key; `encrypt` takes it. */
export type WritingCipher = ContentCipher & { readonly key: ConversationKey };

/** Opens a text: `decrypt` where an unreadable one must fail, else `tryDecrypt`. */
export type OpenText = ContentCipher['tryDecrypt'];

type Keys = {
  contentKeys: ReadonlyMap<string, Buffer>;
  /** The keys of conversations have the names that `nameOf` gives them. */
  keys: ReadonlyMap<string, ConversationKey>;
  /** These contents were opened at their places already. */
  opened?: ReadonlyMap<Buffer, string> | undefined;
  noteUnreadable?: NoteUnreadable | undefined;
};

/**
 * Encrypts a text, so that nobody can read it in the database or a backup. Callers store the name
 * of the key beside it, see `keyNameOf`.
 */
export function encrypt(plain: string, { key }: WritingCipher, place: MessageCipherPlace): Buffer {
  if (place.conversation_id !== key.place.conversation_id) throw new Error('a key of another');
  return seal(plain, { key: key.keyFor(purposeOf(place)), place: textOf(place) });
}

/** The cipher reads what these keys encrypted, by AES-256-GCM. */
export function createContentCipher({
  contentKeys,
  keys,
  opened,
  noteUnreadable,
}: Keys): ContentCipher {
  const keyOf = (keyId: string, place: MessageCipherPlace): Buffer | undefined => {
    const generation = generationOf(keyId);
    if (generation === undefined) return contentKeys.get(keyId);
    const { conversation_id } = place;
    return keys.get(nameOf({ conversation_id, generation }))?.keyFor(purposeOf(place));
  };
  const decrypt: ContentCipher['decrypt'] = (sealed, keyId, place) => {
    const known = opened?.get(sealed);
    if (known !== undefined) return known;
    const key = keyOf(keyId, place);
    if (key === undefined) throw new Error(`key ${keyId} is not known`);
    return unseal(sealed, { key, place: textOf(place) }).toString('utf8');
  };
  return {
    decrypt,
    tryDecrypt(sealed, keyId, place) {
      try {
        return decrypt(sealed, keyId, place);
      } catch {
        const isKnown = keyOf(keyId, place) !== undefined;
        noteUnreadable?.(isKnown ? 'damaged' : 'unknown_key', keyId);
        return undefined;
      }
    },
  };
}

function purposeOf({ field, version }: MessageCipherPlace): 'content' | 'metadata' | 'revision' {
  return version === undefined ? field : 'revision';
}

function textOf({ conversation_id, message_id, field, version }: MessageCipherPlace): string {
  const place = `${conversation_id}/${message_id}/${field}`;
  return version === undefined ? place : `${place}/${version}`;
}
