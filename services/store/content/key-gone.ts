import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { ConversationKey } from './conversation-key.ts';

/** A text was encrypted with a key that Postgres does not have any more. Nothing was written. */
export class KeyGone extends Error {
  constructor() {
    super('the key of the conversation is gone');
  }
}

/**
 * The caller has locked the conversation, which keeps erasures away. So the key is there until the
 * commit, or the call throws `KeyGone`.
 */
export async function assertKey(
  tx: Transaction<Database>,
  { place: { conversation_id, generation }, madeAt }: ConversationKey,
): Promise<void> {
  const { rows } = await sql`select from content_keys
    where conversation_id = ${conversation_id} and generation = ${generation}::int
      and created_at = ${madeAt}::timestamptz and wrapped is not null`.execute(tx);
  if (rows.length === 0) throw new KeyGone();
}
