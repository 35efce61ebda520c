import { type Kysely, sql } from 'kysely';
import type { EventId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** `outbox.owed` returns the events of the list whose fan-out is not finished. */
export async function selectOwed(
  db: Kysely<Database>,
  eventIds: readonly EventId[],
): Promise<{ event_ids: EventId[] }> {
  const rows = await db
    .selectFrom('outbox')
    .select('event_id')
    .where('event_id', '=', sql<EventId>`any(${eventIds}::uuid[])`)
    .execute();
  return { event_ids: rows.map(({ event_id }) => event_id) };
}
