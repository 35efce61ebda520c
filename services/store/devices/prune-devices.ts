import type { Pool } from '../database/pool.ts';

/**
 * A person who uses a device once a year finds it still. By then its queue has been gone for
 * months, so its row decides nothing any more.
 */
const KEPT_DAYS = 400;
const BATCH_MAX = 5_000;

const DELETE_OLD = `with old as materialized (
    select user_id, device_id from devices
    where last_seen_at < now() - make_interval(days => ${KEPT_DAYS})
    order by last_seen_at limit $1 for update skip locked
  ), gone as (
    delete from devices d using old
    where d.user_id = old.user_id and d.device_id = old.device_id returning 1
  )
  select count(*) as deleted from gone`;

/** `devices.prune` forgets up to `limit` devices that nobody has seen for 400 days. */
export async function pruneDevices(pool: Pool, limit: number): Promise<{ deleted: number }> {
  const [row] = await pool.query<{ deleted: number }>(DELETE_OLD, [Math.min(limit, BATCH_MAX)]);
  return { deleted: row?.deleted ?? 0 };
}
