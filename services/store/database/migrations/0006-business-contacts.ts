import { type Kysely, sql } from 'kysely';

/** Who has a conversation with a business; few conversations have one, and it never changes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statement = `create index conversations_business
    on conversations (business_id, conversation_id) where business_id is not null`;
  await sql.raw(statement).execute(db);
}
