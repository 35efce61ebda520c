import { type Kysely, sql } from 'kysely';

/**
 * This migration makes the tables. Times have milliseconds, so that a time that a client was shown
 * compares equal to the stored one. There are no foreign keys: an append already holds the lock of
 * the conversation, and a key check per row would cost a second lock.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The kinds are enum types and not check constraints: every statement that writes parses a check
  // anew, which took a seventh of an append's time.
  `create type conversation_type as enum ('direct', 'group', 'business')`,
  `create type participant_role as enum ('customer', 'agent', 'business', 'member', 'admin')`,
  `create type message_type as enum ('text', 'image', 'file', 'voice', 'system')`,
  `create type outbox_kind as enum ('message', 'message_updated', 'conversation')`,

  // The table knows nothing of a person but a UUID.
  `create table users (
    user_id uuid primary key,
    created_at timestamptz(3) not null default now()
  )`,

  // Free room in each page lets updates stay HOT, because an append changes no indexed column.
  // `has_archived` says that some participant archived the conversation; a new message undoes that.
  `create table conversations (
    conversation_id uuid primary key,
    type conversation_type not null,
    direct_key text unique,
    title text,
    description text,
    avatar_url text,
    business_id uuid,
    version int not null default 1,
    first_seq bigint not null default 1,
    last_seq bigint not null default 0,
    last_sent_at timestamptz(3),
    created_by uuid not null,
    created_at timestamptz(3) not null,
    last_activity timestamptz(3) not null,
    has_archived boolean not null default false
  ) with (fillfactor = 70)`,

  `create table participants (
    conversation_id uuid not null,
    user_id uuid not null,
    role participant_role not null,
    joined_at timestamptz(3) not null,
    left_at timestamptz(3),
    joined_seq bigint not null default 1,
    first_visible_seq bigint not null default 1,
    delivered_seq bigint not null default 0,
    delivered_at timestamptz(3),
    read_seq bigint not null default 0,
    read_at timestamptz(3),
    is_muted boolean not null default false,
    muted_until timestamptz(3),
    archived_at timestamptz(3),
    primary key (conversation_id, user_id)
  ) with (fillfactor = 70)`,
  'create index participants_live on participants (user_id) where left_at is null',

  // The partitions are spans of time, made ahead. There is no default partition: a missing one must
  // be an error, as rows in a default partition could never be split into spans again. Content is
  // stored without compression, because ciphertext does not compress.
  `create table messages (
    conversation_id uuid not null,
    seq bigint not null,
    sent_at timestamptz(3) not null,
    message_id uuid not null,
    sender_id uuid not null,
    client_msg_id uuid,
    message_type message_type not null,
    content bytea,
    metadata bytea,
    key_id text not null,
    version int not null default 1,
    reply_to uuid,
    reply_to_seq bigint,
    edited_at timestamptz(3),
    deleted_at timestamptz(3),
    primary key (conversation_id, seq, sent_at)
  ) partition by range (sent_at)`,
  'alter table messages alter column content set storage external',
  'create index messages_message_id on messages (message_id)',

  // These keys make a send idempotent for as long as its message lives. The partitioned table
  // cannot have this key, because a unique key of it must include `sent_at`.
  `create table message_keys (
    conversation_id uuid not null,
    sender_id uuid not null,
    client_msg_id uuid not null,
    message_id uuid not null,
    seq bigint not null,
    sent_at timestamptz(3) not null,
    primary key (conversation_id, sender_id, client_msg_id)
  )`,

  // The outbox holds the fan-outs that are owed. It is short in normal times, so a claim reads all
  // of it: an index by age would cost each append more than it saves. Its rows live for
  // milliseconds, so the table is vacuumed eagerly.
  `create table outbox (
    event_id uuid primary key,
    conversation_id uuid not null,
    kind outbox_kind not null,
    seq bigint,
    payload jsonb,
    created_at timestamptz(3) not null,
    claimed_until timestamptz(3)
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0)`,
];
