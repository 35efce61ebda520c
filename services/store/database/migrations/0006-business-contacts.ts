import { type Kysely, sql } from 'kysely';

/**
 * The index finds the conversations of a business. It stays small and cheap: few conversations have
 * a business, and a conversation's business never changes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statement = `create index conversations_business
    on conversations (business_id, conversation_id) where business_id is not null`;
  await sql.raw(statement).execute(db);
}
