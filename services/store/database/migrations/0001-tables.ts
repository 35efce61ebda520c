import { type Kysely, sql } from 'kysely';

/**
 * The tables. Times have milliseconds, so that what a client was shown compares equal to what is
 * stored. There are no foreign keys: an append already holds the conversation's lock, and a key
 * check per row would cost it a second lock.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Types, not check constraints: a check is parsed anew by every statement that writes, which
  // took a seventh of an append's time.
  `create type conversation_type as enum ('direct', 'group', 'business')`,
  `create type participant_role as enum ('customer', 'agent', 'business', 'member', 'admin')`,
  `create type message_type as enum ('text', 'image', 'file', 'voice', 'system')`,
  `create type outbox_kind as enum ('message', 'message_updated', 'conversation')`,

  // A person is a UUID here and nothing else.
  `create table users (
    user_id uuid primary key,
    created_at timestamptz(3) not null default now()
  )`,

  // Room in each page lets updates stay HOT: nothing that an append changes here is indexed.
  // has_archived: some participant has it archived, which a new message undoes.
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

  // Monthly partitions, made ahead, and no default one: a month that is missing must be an error,
  // not a heap that can never be split again. Ciphertext does not compress.
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

  // Idempotency for as long as the message lives; a partitioned table could not hold this key.
  `create table message_keys (
    conversation_id uuid not null,
    sender_id uuid not null,
    client_msg_id uuid not null,
    message_id uuid not null,
    seq bigint not null,
    sent_at timestamptz(3) not null,
    primary key (conversation_id, sender_id, client_msg_id)
  )`,

  // Fan-outs that are owed. Short in normal times, so claims read it whole: an index by age would
  // cost each append more than it saves. Rows live for milliseconds, so it is vacuumed eagerly.
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
