import { sql, type Transaction } from 'kysely';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/**
 * Makes a router look at businesses at once, because an agent, or a setting, has changed what can
 * be given out. Locks the inboxes of the businesses, in the order of their ids, so a transaction
 * does this last. A business that has no inbox yet gets one, because its first message may be under
 * way: a router that sees the message before the change has to look again after it.
 */
export async function makeDue(
  tx: Transaction<Database>,
  businessIds: readonly BusinessId[],
): Promise<void> {
  if (businessIds.length === 0) return;
  // The clock is read under the lock, so a router that has looked before sees that this is newer.
  await sql`insert into business_inboxes as i (business_id, due_at)
    select business_id, clock_timestamp() from unnest(${businessIds}::uuid[]) ids (business_id)
      group by business_id order by business_id
    on conflict (business_id) do update
      set due_at = least(i.due_at, clock_timestamp())`.execute(tx);
}
