import { type Kysely, sql } from 'kysely';

/** What changes of messages leave behind: reactions, earlier texts, and who deleted what. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // `version` is the one that the message had by it: the order in which they came.
  `create table reactions (
    message_id uuid not null,
    emoji text collate "C" not null,
    user_id uuid not null,
    version int not null,
    reacted_at timestamptz(3) not null,
    primary key (message_id, emoji, user_id)
  )`,

  // What a message read before it was changed, sealed to that place; `version` is the last one
  // that read so. Kept for audit, read by no operation.
  `create table message_revisions (
    message_id uuid not null,
    version int not null,
    conversation_id uuid not null,
    content bytea,
    metadata bytea,
    key_id text not null,
    replaced_at timestamptz(3) not null,
    replaced_by uuid not null,
    primary key (message_id, version)
  )`,
  'alter table message_revisions alter column content set storage external',

  `create type deletion_reason as enum ('sender', 'group_admin')`,
  `create table message_deletions (
    message_id uuid primary key,
    conversation_id uuid not null,
    seq bigint not null,
    sender_id uuid not null,
    deleted_by uuid not null,
    deleted_at timestamptz(3) not null,
    reason deletion_reason not null
  )`,

  // Not even by who owns the tables, short of removing the trigger; ALWAYS: nor by a replica role.
  `create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
    end $$`,
  `create trigger append_only before update or delete or truncate on message_deletions
    for each statement execute function refuse_change()`,
  'alter table message_deletions enable always trigger append_only',
  // Retention may delete these one day; nothing may rewrite them.
  `create trigger write_once before update on message_revisions
    for each statement execute function refuse_change()`,
  'alter table message_revisions enable always trigger write_once',
];
