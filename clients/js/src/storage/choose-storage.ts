import type { ChatOptions } from '../options.ts';
import type { Platform } from '../platform/platform.ts';
import { indexedDbStorage } from './indexed-db.ts';
import { type ChatStorage, memoryStorage } from './storage.ts';

type Choice = {
  storage: ChatStorage;
  deviceId: string | undefined;
  /** The page lacks this, and goes on without. */
  lacks?: 'storage' | 'tabs';
};

const DEFAULT_DEVICE = 'default';

/** Tabs that cannot find each other must not share a device, so they share no storage either. */
export function chooseStorage({ storage, deviceId }: ChatOptions, platform: Platform): Choice {
  const { indexedDB, isPage, locks, openChannel } = platform;
  if (storage) return { storage, deviceId };
  // Only a page makes up ids of devices that it cannot keep. A user may have 20 new ones an hour.
  if (!isPage) return { storage: memoryStorage(), deviceId: deviceId ?? DEFAULT_DEVICE };
  const hasTabs = locks && openChannel;
  if (hasTabs && indexedDB) return { storage: indexedDbStorage(indexedDB), deviceId };
  return { storage: memoryStorage(), deviceId, lacks: hasTabs ? 'storage' : 'tabs' };
}
