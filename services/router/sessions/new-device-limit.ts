import { LRUCache } from 'lru-cache';
import type { UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';

/**
 * A user takes ~2 KB at worst. A user who is forgotten early may make more devices, which does no
 * harm.
 */
const USERS_MAX = 20_000;

/**
 * Admits at most 20 new devices an hour for each user. A device that comes again within the hour is
 * not new.
 */
export class NewDeviceLimit {
  readonly #users = new LRUCache<UserId, Map<string, number>>({ max: USERS_MAX });

  /** Counts the device. Returns false if it is one too many. */
  admit(device: { userId: UserId; deviceId: string }, now: number): boolean {
    const { userId, deviceId } = device;
    const seen = this.#users.get(userId) ?? new Map<string, number>();
    for (const [id, at] of seen) if (at <= now - LIMITS.newDevicesWindowMs) seen.delete(id);
    if (seen.has(deviceId)) return true;
    if (seen.size >= LIMITS.newDevicesMax) return false;
    seen.set(deviceId, now);
    this.#users.set(userId, seen);
    return true;
  }
}
