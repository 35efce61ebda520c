/**
 * Each Redis script decides and writes in one step, because an event may come in between. KEYS are
 * the hash and the stale marker of one profile.
 */

/**
 * ARGV are the marker that was set before kaha-main-v3 was asked ('' for none), fresh_until (epoch
 * ms), the time to live (ms), then the fields and values of the hash. If the marker has changed, an
 * event came while kaha-main-v3 was asked. Its answer may be older than the event, so the script
 * stores it as stale.
 */
export const WRITE_PROFILE = `
local is_latest = (redis.call('GET', KEYS[2]) or '') == ARGV[1]
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fresh_until', is_latest and ARGV[2] or '0', unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if is_latest then redis.call('DEL', KEYS[2]) end
return is_latest and 1 or 0`;

/**
 * ARGV are a new marker and its time to live (ms). The script returns 1 if Redis holds a profile
 * that has to be refreshed.
 */
export const MARK_STALE = `
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'fresh_until', '0')
return 1`;
