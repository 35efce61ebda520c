import { sql, type Transaction } from 'kysely';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/**
 * Makes a router look at businesses at once, because an agent, or a setting, has changed what can
 * be given out. Locks the inboxes of the businesses, in the order of their ids, so a transaction
 * does this last. A business without an inbox has nothing to give out.
 */
export async function makeDue(
  tx: Transaction<Database>,
  businessIds: readonly BusinessId[],
): Promise<void> {
  if (businessIds.length === 0) return;
  // The clock is read under the lock, so a router that has looked before sees that this is newer.
  await sql`with locked as (select business_id from business_inboxes
      where business_id = any(${businessIds}::uuid[]) order by business_id for no key update)
    update business_inboxes i set due_at = least(i.due_at, clock_timestamp())
      from locked where i.business_id = locked.business_id`.execute(tx);
}
