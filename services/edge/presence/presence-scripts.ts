/**
 * What Redis holds of presence, and the only ways to change it. Each script is atomic, so that who
 * comes and who goes on different edges never both miss, or both tell, a change.
 *
 *     presence:edges        sorted set: incarnation of an edge → its last heartbeat, epoch ms
 *     edge:<incarnation>:users   set: who has a session there
 *     presence:<user>       hash: a field for each incarnation that holds the user, and `at`:
 *                           "<µs of the last change> <last seen, epoch ms; 0 while online>"
 *
 * A user is online while their hash has more fields than `at`. Times are those of Redis.
 */
const NOW = `local t = redis.call('TIME')
local us = string.format('%.0f', t[1] * 1000000 + t[2])
local ms = math.floor(t[1] * 1000 + t[2] / 1000)
`;

/** Of who is offline, `at` is kept so long. */
const OFFLINE_S = 30 * 24 * 3_600;

/** KEYS edges; ARGV incarnation, 1 to begin it, dead after ms → [known, dead…], ≤ 16 dead. */
export const BEAT = `${NOW}
if ARGV[2] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
redis.call('ZADD', KEYS[1], ms, ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[3], 'LIMIT', 0, 16)
table.insert(dead, 1, 1)
return dead`;

/** KEYS edges; ARGV incarnation, ms it counts as alive, dead after ms: it goes, its users stay. */
export const HAND_OVER = `${NOW}
redis.call('ZADD', KEYS[1], 'XX', ms - ARGV[3] + ARGV[2], ARGV[1])
return 1`;

/** KEYS edges, users of the edge, hashes…; ARGV incarnation, users… → [[changed, at]…] or 0. */
export const REGISTER = `${NOW}
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local out = {}
for i = 3, #KEYS do
  local key = KEYS[i]
  local changed = 0
  if redis.call('HLEN', key) <= 1 then
    redis.call('HSET', key, 'at', us .. ' 0')
    redis.call('PERSIST', key)
    changed = 1
  end
  redis.call('HSET', key, ARGV[1], 1)
  redis.call('SADD', KEYS[2], ARGV[i - 1])
  out[#out + 1] = { changed, redis.call('HGET', key, 'at') }
end
return out`;

/**
 * KEYS users of the edge, hashes…; ARGV incarnation, 1 to keep the set, (user, last seen)…
 * → [[changed, at, online]…]; `at` is empty where nothing is known.
 */
export const UNREGISTER = `${NOW}
local out = {}
for i = 2, #KEYS do
  local key = KEYS[i]
  local user, seen = ARGV[2 * i - 1], ARGV[2 * i]
  local changed = 0
  local removed = redis.call('HDEL', key, ARGV[1])
  local left = redis.call('HLEN', key)
  if removed == 1 and left == 1 then
    redis.call('HSET', key, 'at', us .. ' ' .. seen)
    redis.call('EXPIRE', key, ${OFFLINE_S})
    changed = 1
  end
  if ARGV[2] ~= '1' then redis.call('SREM', KEYS[1], user) end
  out[#out + 1] = { changed, redis.call('HGET', key, 'at') or '', left > 1 and 1 or 0 }
end
return out`;

/** KEYS hashes… → [[online, at]…]; `at` is empty where nothing is known. */
export const READ = `local out = {}
for i = 1, #KEYS do
  local at = redis.call('HGET', KEYS[i], 'at') or ''
  out[i] = { redis.call('HLEN', KEYS[i]) > 1 and 1 or 0, at }
end
return out`;
