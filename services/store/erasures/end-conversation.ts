import { type Kysely, sql } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { InConversation } from './erasure-place.ts';

/** The texts are erased, and so the user is no former participant any more either. */
export async function endConversation(
  db: Kysely<Database>,
  { conversation_id: id, is_nobodys: isNobodys }: InConversation,
  userId: UserId,
): Promise<void> {
  if (!isNobodys) {
    await sql`delete from participants
      where conversation_id = ${id} and user_id = ${userId}`.execute(db);
    return;
  }
  await db.transaction().execute(async (tx) => {
    await sql`select from conversations where conversation_id = ${id} for update`.execute(tx);
    await sql`delete from outbox where conversation_id = ${id}`.execute(tx);
    await sql`delete from content_keys where conversation_id = ${id}`.execute(tx);
    await sql`delete from participants where conversation_id = ${id}`.execute(tx);
    await sql`delete from conversations where conversation_id = ${id}`.execute(tx);
  });
}
