import { type Kysely, sql } from 'kysely';
import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

type Stretch = { conversationId: ConversationId; after: number; until: number };

/** A page of so many messages takes some 20 ms. */
const PAGE = 1_000;

/**
 * Takes the texts out of the next messages behind `after`, up to `until`, with their earlier texts
 * and reactions. The rows stay for as long as retention keeps them, because the keys that make
 * sends idempotent go with them. Returns the last `seq` that is cleared.
 */
export async function clearTexts(
  db: Kysely<Database>,
  { conversationId, after, until }: Stretch,
): Promise<number> {
  const upTo = Math.min(after + PAGE, until);
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ message_id: MessageId }>`
      update messages set content = null, metadata = null, version = version + 1,
        deleted_at = coalesce(deleted_at, date_trunc('milliseconds', clock_timestamp()))
      where conversation_id = ${conversationId} and seq > ${after}::bigint
        and seq <= ${upTo}::bigint
      returning message_id`.execute(tx);
    const ids = rows.map(({ message_id }) => message_id);
    await sql`delete from reactions where message_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from message_revisions where message_id = any(${ids}::uuid[])`.execute(tx);
  });
  return upTo;
}
