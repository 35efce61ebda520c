import { type Kysely, sql } from 'kysely';

/**
 * A registration has all that a provider wants to know of the device sealed in `address`. The keyed
 * hash finds a token without opening anything, and no two devices have the same one. The times are
 * as clients see them.
 *
 * A device that was signed out stays noted here. Whoever has a token from before that cannot make a
 * new queue for it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table push_registrations (
      user_id uuid not null,
      device_id text not null check (length(device_id) <= 64),
      provider text not null check (provider in ('apns', 'fcm', 'webpush')),
      token_hash bytea not null unique,
      address bytea not null,
      key_id text not null,
      content text not null check (content in ('full', 'sender', 'none')),
      quiet_hours jsonb,
      registered_at timestamptz(3) not null default clock_timestamp(),
      primary key (user_id, device_id)
    )`.execute(db);
  await sql`create index push_registrations_at on push_registrations (registered_at)`.execute(db);
  await sql`
    create table signed_out_devices (
      user_id uuid not null,
      device_id text not null check (length(device_id) <= 64),
      signed_out_at timestamptz(3) not null,
      primary key (user_id, device_id)
    )`.execute(db);
  await sql`create index signed_out_devices_at on signed_out_devices (signed_out_at)`.execute(db);
}
