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
 * Edges tell Redis whom they hold. Redis knows `nobody` if no edge has sent a heartbeat for 6 s. It
 * knows `some` users until 6 s after the first heartbeat that follows such a gap, or that finds an
 * emptied Redis: whoever is online is so, but other users may be online too. After that it knows
 * `all`.
 */
export type Known = 'nobody' | 'some' | 'all';

/** A script gets at most this many users at once, which takes Redis about 2 ms. */
export const BATCH_MAX = 500;

export type PresenceTimes = {
  /** An edge sends a heartbeat this often. */
  beatMs: number;
  /** An edge without a heartbeat for this long counts as dead. */
  deadAfterMs: number;
  /** By the end of this time, all edges have told Redis again which users they hold. */
  settledMs: number;
  /** This is the grace period: a user who comes back within it was never away. */
  graceMs: number;
};

/**
 * These times let watchers know the truth within 10 s of whatever happened last. After Redis lost
 * everything, the first edge beats within 1.5 s and Redis knows all users 6 s later. A dead edge is
 * found 6 to 7.5 s after its last beat, and the beat after that confirms it.
 */
export const PRESENCE_TIMES: PresenceTimes = {
  beatMs: 1_500,
  deadAfterMs: 6_000,
  settledMs: 6_000,
  graceMs: 5_000,
};

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

/**
 * Reads the presence of ≤ 500 users, in their order. It is undefined for a user of whom Redis does
 * not know now whether they are online. Rejects where Redis is away or late.
 */
export async function readPresence(
  redis: Redis,
  users: readonly UserId[],
  { deadAfterMs, settledMs }: PresenceTimes = PRESENCE_TIMES,
): Promise<{ known: Known; presences: (Presence | undefined)[] }> {
  const keys = [presenceKeys.edges, presenceKeys.since, ...users.map(presenceKeys.user)];
  const reply = await redis.eval(READ, keys.length, ...keys, deadAfterMs, settledMs);
  const [number, outcomes] = reply as [0 | 1 | 2, [number, string][]];
  const known = KNOWN[number];
  const presences = outcomes.map(([online, at]) => {
    const isKnown = known === 'all' || (known === 'some' && online === 1);
    return isKnown ? presenceOf(online === 1, at) : undefined;
  });
  return { known, presences };
}

/** Makes a presence of what a script answers. */
export function presenceOf(isOnline: boolean, at: string): Presence {
  const [us = '0', seen = '0'] = at.split(' ');
  const lastSeenAt = Number(seen) || undefined;
  if (isOnline) return { status: 'online', atUs: Number(us), lastSeenAt: undefined };
  return { status: 'offline', atUs: Number(us), lastSeenAt };
}
