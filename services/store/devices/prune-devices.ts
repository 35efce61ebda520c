import type { Pool } from '../database/pool.ts';

/**
 * A person who uses a device once a year finds it still. By then its queue has been gone for
 * months, so its row decides nothing any more.
 */
const KEPT_DAYS = 400;
const BATCH_MAX = 5_000;

const DELETE_OLD = [
  deleteOld('devices', 'last_seen_at'),
  deleteOld('signed_out_devices', 'signed_out_at'),
  // Apps register at each start. A device that is not seen may get pushes still.
  deleteOld(
    'push_registrations',
    'registered_at',
    `and not exists (select from devices d
      where d.user_id = t.user_id and d.device_id = t.device_id)`,
  ),
];

/**
 * `devices.prune` forgets up to `limit` devices that nobody has seen for 400 days. The same goes
 * for sign-outs, and for registrations of devices that are not known any more.
 */
export async function pruneDevices(pool: Pool, limit: number): Promise<{ deleted: number }> {
  let deleted = 0;
  for (const statement of DELETE_OLD) {
    const [row] = await pool.query<{ deleted: number }>(statement, [Math.min(limit, BATCH_MAX)]);
    deleted += row?.deleted ?? 0;
  }
  return { deleted };
}

function deleteOld(table: string, time: string, and = ''): string {
  return `with old as materialized (
    select user_id, device_id from ${table} t
    where ${time} < now() - make_interval(days => ${KEPT_DAYS}) ${and}
    order by ${time} limit $1 for update skip locked
  ), gone as (
    delete from ${table} t using old
    where t.user_id = old.user_id and t.device_id = old.device_id returning 1
  )
  select count(*) as deleted from gone`;
}
