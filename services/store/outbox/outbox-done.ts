import type { EventId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';

/**
 * Without waiting for the disk: a delete that a crash of Postgres undoes is a fan-out done twice,
 * which queues and clients drop. Sorted, so that two of them cannot deadlock.
 */
const DELETE_DONE = `with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), done as materialized (
    select event_id from outbox where event_id = any($1::uuid[]) order by event_id for update
  ), gone as (
    delete from outbox using done where outbox.event_id = done.event_id returning 1
  )
  select (select count(*) from gone) as deleted from relaxed`;

const BATCH_MAX = 5_000;

export type OutboxDone = {
  /** `outbox.done`: how many rows the statement that took these ids along has deleted of them. */
  done(eventIds: readonly EventId[]): Promise<{ deleted: number }>;
};

/**
 * Deletes outbox rows whose fan-out is done. Calls that come while a delete runs
 * share the next one: no timer. `deleted` of a shared one counts all of it.
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
