import type { Pool } from '../database/pool.ts';

/** A consumer of the feed may stay away for 7 days, and then has a day to catch up. */
const KEPT_DAYS = 8;
const BATCH_MAX = 5_000;

const DELETE_OLD = `with old as materialized (
    select at, event_id from event_log
    where at < now() - make_interval(days => ${KEPT_DAYS}) order by at, event_id limit $1
    for update skip locked
  ), gone as (
    delete from event_log e using old where (e.at, e.event_id) = (old.at, old.event_id) returning 1
  )
  select count(*) as deleted from gone`;

/** `events.prune` deletes up to `limit` events of the log that are older than 8 days. */
export async function pruneEvents(pool: Pool, limit: number): Promise<{ deleted: number }> {
  const [row] = await pool.query<{ deleted: number }>(DELETE_OLD, [Math.min(limit, BATCH_MAX)]);
  return { deleted: row?.deleted ?? 0 };
}
