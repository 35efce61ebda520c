import { type Kysely, sql } from 'kysely';

/**
 * A row says when a device was there last. The index finds the devices that store forgets. Each
 * note of a device writes one more entry into it, which costs less than looking through the table.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table devices (
      user_id uuid not null,
      device_id text not null check (length(device_id) <= 64),
      last_seen_at timestamptz not null,
      created_at timestamptz not null default now(),
      primary key (user_id, device_id)
    )`.execute(db);
  await sql`create index devices_last_seen on devices (last_seen_at)`.execute(db);
}
