import type { UserId } from '../../../shared/ids.ts';
import type { ContentKey } from './content-keys.ts';
import { deriveKey } from './derived-key.ts';
import { seal, unseal } from './sealed-text.ts';

export type ListCipher = {
  /** `seal` uses the key with this id; callers store the id beside the ciphertext. */
  readonly keyId: string;
  seal(plain: string, userId: UserId): Buffer;
  /** The call throws if the key is unknown or the bytes are not a list of the user. */
  open(sealed: Buffer, keyId: string, userId: UserId): string;
};

/**
 * The cipher encrypts cached chat lists. Each user's lists have a key of their own, which derives
 * from a content key. So lists add nothing to what the content key itself has encrypted, and no key
 * comes near the 2^32 encryptions that are safe.
 */
export function createListCipher(keys: readonly ContentKey[]): ListCipher {
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const [current] = keys;
  if (current === undefined) throw new Error('no content key');
  const sealingOf = (key: Buffer, userId: UserId) => {
    return { key: deriveKey(key, 'chats', userId), place: `${userId}/chats` };
  };
  return {
    keyId: current.id,
    seal: (plain, userId) => seal(plain, sealingOf(current.key, userId)),
    open(sealed, keyId, userId) {
      const key = byId.get(keyId);
      if (key === undefined) throw new Error(`content key ${keyId} is not configured`);
      return unseal(sealed, sealingOf(key, userId)).toString('utf8');
    },
  };
}
