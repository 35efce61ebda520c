import { type Kysely, sql } from 'kysely';

/** This index gives a sweep the inboxes that nobody has looked at for longest. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index business_inboxes_swept on business_inboxes (swept_at)`.execute(db);
}
