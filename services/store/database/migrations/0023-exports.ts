import { type Kysely, sql } from 'kysely';

/**
 * Each export of what a person wrote leaves a row. The indexes find all conversations of a person,
 * also those that they have left, and all their reactions. Neither holds a column that a send
 * changes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table exports (
      export_id uuid primary key,
      user_id uuid not null,
      service text not null,
      started_at timestamptz(3) not null default now(),
      last_page_at timestamptz(3) not null default now(),
      pages int not null,
      items bigint not null,
      finished_at timestamptz(3)
    )`.execute(db);
  await sql`create index participants_ever on participants (user_id, conversation_id)`.execute(db);
  await sql`create index reactions_user on reactions (user_id, message_id, version)`.execute(db);
}
