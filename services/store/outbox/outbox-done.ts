import { type Kysely, sql } from 'kysely';
import type { EventId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';
import type { Database } from '../database/schema.ts';
import { isOwedToUsers } from './outbox-missed.ts';

/**
 * The delete does not wait for the disk (`synchronous_commit` is off). If a crash of Postgres
 * undoes it, a router repeats the fan-out, and the queues and clients drop the repetition. The
 * statement locks the rows in the order of their ids, so that two such deletes cannot deadlock.
 */
const DELETE_DONE = `with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), done as materialized (
    select event_id from outbox where event_id = any($1::uuid[]) order by event_id for update
  ), gone as (
    delete from outbox using done where outbox.event_id = done.event_id returning 1
  )
  select (select count(*) from gone) as deleted from relaxed`;

/** One statement deletes at most this many rows; longer lists are deleted in several statements. */
const BATCH_MAX = 5_000;

type OutboxDone = {
  /** `outbox.done` deletes the rows; the count is that of the delete which included them. */
  done(eventIds: readonly EventId[]): Promise<{ deleted: number }>;
};

/**
 * Routers report finished fan-outs here, and their outbox rows are deleted. Calls that come while a
 * delete runs share the next delete, so no timer is needed. `deleted` then counts the rows of all
 * calls that shared the delete.
 */
export function createOutboxDone(pool: Pool): OutboxDone {
  let waiting: EventId[] = [];
  let next: Promise<{ deleted: number }> | undefined;
  let running: Promise<unknown> = Promise.resolve();

  const remove = async (): Promise<{ deleted: number }> => {
    const ids = waiting;
    waiting = [];
    next = undefined;
    let deleted = 0;
    for (let from = 0; from < ids.length; from += BATCH_MAX) {
      const batch = ids.slice(from, from + BATCH_MAX);
      const [row] = await pool.query<{ deleted: number }>(DELETE_DONE, [batch]);
      deleted += row?.deleted ?? 0;
    }
    return { deleted };
  };
  return {
    done(eventIds) {
      for (const id of eventIds) waiting.push(id);
      if (next === undefined) {
        next = running.then(remove);
        running = Promise.allSettled([next]);
      }
      return next;
    },
  };
}

/** `outbox.owed` returns the events of the list that are owed to a user. */
export async function selectOwed(
  db: Kysely<Database>,
  eventIds: readonly EventId[],
): Promise<{ event_ids: EventId[] }> {
  const rows = await db
    .selectFrom('outbox')
    .select('event_id')
    .where('event_id', '=', sql<EventId>`any(${eventIds}::uuid[])`)
    .where(isOwedToUsers)
    .execute();
  return { event_ids: rows.map(({ event_id }) => event_id) };
}
