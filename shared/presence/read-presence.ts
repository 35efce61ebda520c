import type { Redis } from 'ioredis';
import type { UserId } from '../ids.ts';

/** A user's presence is as of a change in Redis; `atUs` orders the changes of one user. */
export type Presence = {
  status: 'online' | 'offline';
  /**
   * The change happened at this time, in epoch µs; 0 means that nothing is known, and the user is
   * offline then.
   */
  atUs: number;
  /**
   * The user was last seen at this time, in epoch ms; it is set only for a user who is offline and
   * was seen.
   */
  lastSeenAt: number | undefined;
};

/**
 * Edges tell Redis whom they hold. Redis knows `nobody` if no edge has sent a heartbeat for 12 s.
 * It knows `some` users until 6 s after the first heartbeat that follows such a gap, or that finds
 * an emptied Redis: whoever is online is so, but other users may be online too. After that it knows
 * `all`.
 */
export type Known = 'nobody' | 'some' | 'all';

/** A script gets at most this many users at once, which takes Redis about 2 ms. */
export const BATCH_MAX = 500;
/** An edge without a heartbeat for this long counts as dead. */
export const DEAD_AFTER_MS = 12_000;
/** By the end of this time, all edges have told Redis again which users they hold. */
export const SETTLED_MS = 6_000;

/** Edges and store use these keys, and `presence-scripts.ts` of the edge says what they hold. */
export const presenceKeys = {
  edges: 'presence:edges',
  since: 'presence:since',
  user: (userId: UserId): string => `presence:${userId}`,
} as const;

/**
 * Reads the presence of users; `at` is empty where nothing is known of one.
 *
 *     KEYS edges, since, hashes…; ARGV dead after ms, settled after ms
 *     → [0 nobody, 1 some, 2 all are known, [[online, at]…]]
 */
const READ = `local t = redis.call('TIME')
local ms = math.floor(t[1] * 1000 + t[2] / 1000)
local known = 0
if redis.call('ZCOUNT', KEYS[1], ms - ARGV[1], '+inf') > 0 then
  local since = redis.call('GET', KEYS[2])
  known = since and ms - since >= tonumber(ARGV[2]) and 2 or 1
end
local out = {}
for i = 3, #KEYS do
  local at = redis.call('HGET', KEYS[i], 'at') or ''
  out[#out + 1] = { redis.call('HLEN', KEYS[i]) > 1 and 1 or 0, at }
end
return { known, out }`;

const KNOWN = ['nobody', 'some', 'all'] as const;

/** Reads the presence of ≤ 500 users, in their order. Rejects where Redis is away or late. */
export async function readPresence(
  redis: Redis,
  users: readonly UserId[],
): Promise<{ known: Known; presences: Presence[] }> {
  const keys = [presenceKeys.edges, presenceKeys.since, ...users.map(presenceKeys.user)];
  const reply = await redis.eval(READ, keys.length, ...keys, DEAD_AFTER_MS, SETTLED_MS);
  const [known, outcomes] = reply as [0 | 1 | 2, [number, string][]];
  return {
    known: KNOWN[known],
    presences: outcomes.map(([online, at]) => presenceOf(online === 1, at)),
  };
}

/** Makes a presence of what a script answers. */
export function presenceOf(isOnline: boolean, at: string): Presence {
  const [us = '0', seen = '0'] = at.split(' ');
  const lastSeenAt = Number(seen) || undefined;
  if (isOnline) return { status: 'online', atUs: Number(us), lastSeenAt: undefined };
  return { status: 'offline', atUs: Number(us), lastSeenAt };
}
