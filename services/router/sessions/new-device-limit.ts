import { LRUCache } from 'lru-cache';
import type { UserId } from '../../../shared/ids.ts';

const DEVICES_MAX = 20;
const WINDOW_MS = 3_600_000;
/** ~2 KB each at worst; forgetting a user early lets them make more devices, no harm. */
const USERS_MAX = 20_000;

/** ≤ 20 new devices an hour a user. The same device again within the hour is not new. */
export class NewDeviceLimit {
  readonly #users = new LRUCache<UserId, Map<string, number>>({ max: USERS_MAX });

  /** Counts the device; false where it is one too many. */
  admit(device: { userId: UserId; deviceId: string }, now: number): boolean {
    const { userId, deviceId } = device;
    const seen = this.#users.get(userId) ?? new Map<string, number>();
    for (const [id, at] of seen) if (at <= now - WINDOW_MS) seen.delete(id);
    if (seen.has(deviceId)) return true;
    if (seen.size >= DEVICES_MAX) return false;
    seen.set(deviceId, now);
    this.#users.set(userId, seen);
    return true;
  }
}
