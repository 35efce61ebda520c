import { sql, type Transaction } from 'kysely';
import type { ConversationId, EventId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** A change names at most this many events of a conversation that are still owed. */
const OWED_MAX = 1_000;
/** The transaction looks for these events among at most this many, for up to 20 ms. */
const PASSED_MAX = 50_000;

/**
 * Finds the events of conversations that are owed to users, before somebody who leaves is told. The
 * result is undefined if too many rows are owed to users. A conversation without a list has too
 * many events.
 */
export async function selectOwedToUsers(
  tx: Transaction<Database>,
  ids: readonly ConversationId[],
): Promise<Map<ConversationId, EventId[]> | undefined> {
  const { rows } = await sql<{ owed: Record<ConversationId, EventId[]> | null }>`
    select owed_to_users(${ids}::uuid[], ${PASSED_MAX}) as owed`.execute(tx);
  const owed = rows[0]?.owed ?? undefined;
  if (owed === undefined) return undefined;
  const lists = ids.map((id) => [id, owed[id] ?? []] as const);
  return new Map(lists.filter(([, events]) => events.length <= OWED_MAX));
}
