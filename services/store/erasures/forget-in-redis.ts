import type { Redis } from 'ioredis';
import type { UserId } from '../../../shared/ids.ts';
import { presenceKeys } from '../../../shared/presence/read-presence.ts';
import { listKeysOf } from '../conversations/chat-list-cache.ts';

/** One call deletes the keys of so many users, some 400 each. */
const USERS_AT_ONCE = 10;

/**
 * Edges say in this hash that they hold the user. A field other than `at` is of an edge that has
 * not yet told that the user is gone.
 */
export async function isHeld(redis: Redis, userId: UserId): Promise<boolean> {
  const fields = await redis.hkeys(presenceKeys.user(userId));
  return fields.some((field) => field !== 'at');
}

/** Deletes all that edges, profiles and stores keep of the user. */
export async function forgetUser(redis: Redis, userId: UserId): Promise<void> {
  await redis.del([
    presenceKeys.user(userId),
    `profile:user:${userId}`,
    `profile:stale:user:${userId}`,
  ]);
  await forgetLists(redis, [userId]);
}

/** Deletes kept chat lists, and whom users share a conversation with. Both are made anew. */
export async function forgetLists(redis: Redis, userIds: readonly UserId[]): Promise<void> {
  for (let from = 0; from < userIds.length; from += USERS_AT_ONCE) {
    const batch = userIds.slice(from, from + USERS_AT_ONCE);
    await redis.del(batch.flatMap((userId) => [`contacts:${userId}`, ...listKeysOf(userId)]));
  }
}
