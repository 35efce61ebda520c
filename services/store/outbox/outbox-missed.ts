import { sql } from 'kysely';
import type { OutboxMissed } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Pool } from '../database/pool.ts';

const ITEMS_MAX = 500;
/** All users have the event of another row, which is owed to the feed alone. */
export const isOwedToUsers = sql<boolean>`missed is distinct from '{}'`;

/**
 * The statement does not wait for the disk (`synchronous_commit` is off). If a crash of Postgres
 * undoes it, the event goes once more to users who have it. The statement locks the rows in the
 * order of their ids, as `outbox.done` does, so that the two cannot deadlock.
 */
const WRITE_MISSED = `with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), noted as materialized (
    select o.event_id, w.missed::uuid[], w.is_fed
    from unnest($1::uuid[], $2::text[], $3::boolean[]) as w (event_id, missed, is_fed)
      join outbox o using (event_id)
    order by o.event_id for update of o
  ), written as (
    update outbox o set missed = noted.missed, is_fed = o.is_fed or noted.is_fed
    from noted where o.event_id = noted.event_id returning 1
  )
  select (select count(*) from written) as written from relaxed`;

/**
 * `outbox.missed` writes to the owed rows which users lack the event, and whether the feed has it.
 * A row that is not owed any more is left out. If an event comes twice, the last item counts. What
 * the feed has, it keeps.
 */
export async function writeMissed(
  pool: Pool,
  items: readonly OutboxMissed[],
): Promise<{ written: number }> {
  if (items.length > ITEMS_MAX) throw new KahaError('INVALID_REQUEST', 'Too many items');
  const latest = [...new Map(items.map((item) => [item.event_id, item])).values()];
  const [row] = await pool.query<{ written: number }>(WRITE_MISSED, [
    latest.map(({ event_id }) => event_id),
    latest.map(({ missed }) => missed && `{${missed.join(',')}}`),
    latest.map(({ is_fed }) => is_fed),
  ]);
  return { written: row?.written ?? 0 };
}
