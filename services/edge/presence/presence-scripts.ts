/**
 * Only these scripts change the hash of a user in Redis. Each script is atomic: when users come and
 * go on different edges, the edges never both miss a change, nor both tell it. Presence has these
 * keys:
 *
 *     presence:edges        sorted set: incarnation of an edge → its last heartbeat, epoch ms
 *     presence:since        string: the first heartbeat after a gap of heartbeats, epoch ms
 *     presence:closed       sorted set: incarnation of an edge that has closed → when the grace
 *                           period of its users ends, epoch ms
 *     edge:<incarnation>:users   set: the users who have a session there
 *     edge:<incarnation>:lease   string: the edge that clears up after this one; it expires
 *     presence:<user>       hash: a field for each incarnation that holds the user, and `at`:
 *                           "<µs of the last change> <last seen, epoch ms; 0 while online>"
 *
 * A user is online while their hash has more fields than `at`. The clock of Redis gives the times
 * of changes and heartbeats; the edge gives `last seen`.
 */
const NOW = `local t = redis.call('TIME')
local us = string.format('%.0f', t[1] * 1000000 + t[2])
local ms = math.floor(t[1] * 1000 + t[2] / 1000)
`;

/** Redis keeps `at` of a user who is offline for this long. */
const OFFLINE_S = 30 * 24 * 3_600;

/**
 * Sends a heartbeat, and returns dead edges and closed edges, ≤ 16 of each. If no other heartbeat
 * came for as long as makes an edge dead, or Redis was emptied, Redis begins to know users anew. It
 * calls no edge dead until it knows all users, because the others may be about to beat again.
 *
 *     KEYS edges, closed, since
 *     ARGV incarnation, 1 to begin it, dead after ms, closed ones due within ms, settled after ms
 *     → [known, [dead…], [[closed, due in ms]…], since]
 */
export const BEAT = `${NOW}
if ARGV[2] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if not last or ms - last > tonumber(ARGV[3]) or redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SET', KEYS[3], ms)
end
redis.call('ZADD', KEYS[1], ms, ARGV[1])
local since = redis.call('GET', KEYS[3])
local dead = {}
if ms - since >= tonumber(ARGV[5]) then
  dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[3], 'LIMIT', 0, 16)
end
local soon = ms + ARGV[4]
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', soon, 'WITHSCORES', 'LIMIT', 0, 16)
local closed = {}
for i = 1, #due, 2 do closed[#closed + 1] = { due[i], math.max(0, due[i + 1] - ms) } end
return { 1, dead, closed, since }`;

/**
 * Closes an incarnation: it goes from the edges, and its users stay until they are due.
 *
 *     KEYS edges, closed; ARGV incarnation, ms until its users are due
 */
export const HAND_OVER = `${NOW}
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('ZADD', KEYS[2], ms + ARGV[2], ARGV[1])
end
return 1`;

/**
 * Registers users with an incarnation; returns 0 where Redis does not know the incarnation.
 *
 *     KEYS edges, users of the edge, hashes…; ARGV incarnation, users… → [[changed, at]…] or 0
 */
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
 * Removes users from an incarnation; `at` is empty where nothing is known.
 *
 *     KEYS users of the edge, since, hashes…
 *     ARGV incarnation, 1 to keep the set, settled after ms, (user, last seen)…
 *     → [1 if all users are known, [[changed, at, online]…]]
 */
export const UNREGISTER = `${NOW}
local since = redis.call('GET', KEYS[2])
local all = since and ms - since >= tonumber(ARGV[3]) and 1 or 0
local out = {}
for i = 3, #KEYS do
  local key = KEYS[i]
  local user, seen = ARGV[2 * i - 2], ARGV[2 * i - 1]
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
return { all, out }`;
