import { createHmac } from 'node:crypto';
import type { PushAddress } from '../../../shared/contracts/pushes/push-facts.ts';
import type { OfDevice } from '../../../shared/contracts/store-ops.ts';
import type { ContentKey } from './content-keys.ts';
import { deriveKey } from './derived-key.ts';
import { seal, unseal } from './sealed-text.ts';

export type AddressCipher = {
  /** `seal` uses the key with this id; callers store the id beside the ciphertext. */
  readonly keyId: string;
  seal(address: PushAddress, device: OfDevice): Buffer;
  /** The call throws if the key is unknown or the bytes are not an address of the device. */
  open(sealed: Buffer, keyId: string, device: OfDevice): PushAddress;
  /** The first one is that under the current key. A row may have any of them. */
  hashesOf(address: PushAddress): [Buffer, ...Buffer[]];
};

/**
 * The cipher encrypts what is known of a device at its provider. Each user's addresses have a key
 * of their own, which derives from a content key, and an address belongs to its device. Nobody
 * without the content key can tell by a hash whether they know the token.
 */
export function createAddressCipher(keys: readonly ContentKey[]): AddressCipher {
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const [current] = keys;
  if (current === undefined) throw new Error('no content key');
  const sealingOf = (key: Buffer, { user_id, device_id }: OfDevice) => {
    return { key: deriveKey(key, 'push', user_id), place: `${user_id}/${device_id}/push` };
  };
  const hashKeys = keys.map(({ key }) => deriveKey(key, 'push-token', ''));
  return {
    keyId: current.id,
    seal: (address, device) => seal(JSON.stringify(address), sealingOf(current.key, device)),
    open(sealed, keyId, device) {
      const key = byId.get(keyId);
      if (key === undefined) throw new Error(`content key ${keyId} is not configured`);
      return JSON.parse(unseal(sealed, sealingOf(key, device)).toString('utf8')) as PushAddress;
    },
    hashesOf(address) {
      const token = tokenOf(address);
      const hashes = hashKeys.map((key) => createHmac('sha256', key).update(token).digest());
      return hashes as [Buffer, ...Buffer[]];
    },
  };
}

/** Two addresses are of the same app on the same device if they have the same token. */
export function tokenOf(address: PushAddress): string {
  const { provider } = address;
  switch (provider) {
    case 'apns':
      // The digits of an APNs token mean bytes, so their case means nothing.
      return `${provider} ${address.token.toLowerCase()}`;
    case 'fcm':
      return `${provider} ${address.token}`;
    case 'webpush':
      return `${provider} ${new URL(address.subscription.endpoint).href}`;
  }
}
