import { type Kysely, sql } from 'kysely';

/** These tables and indexes are for what goes when its time is over. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A partition of messages has a row from when something of it goes until it is dropped. All of it
  // is past the retention time since `deleted_at`: one row says so for all of its messages. What
  // hangs on messages that were sent before `cleared_until` is gone. A pass clears what was sent
  // before `pass_until`, in the order of the primary key, and is behind the named message.
  `create table expired_partitions (
    name text primary key,
    from_at timestamptz not null,
    until_at timestamptz not null,
    deleted_at timestamptz(3),
    cleared_until timestamptz,
    pass_until timestamptz,
    pass_conversation uuid,
    pass_seq bigint
  )`,

  // The row says when the clock of Postgres was looked at last, and since when it has not jumped.
  `create table expiry_clock (
    is_only boolean primary key default true check (is_only),
    seen_at timestamptz not null,
    steady_since timestamptz not null
  )`,

  'create index message_revisions_replaced_at on message_revisions (replaced_at)',
  'create index business_steps_at on business_steps (at)',
];
