import { type Kysely, sql } from 'kysely';

/** These tables keep long work, and who was erased. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const NOBODY = `'00000000-0000-4000-8000-000000000000'`;

const STATEMENTS = [
  // A job that is done has no `subject` that is a person's id any more, but `subject_hash` for the
  // record. `place` says how far the work is, in the words of its kind. `step` counts the steps.
  // Nobody may lease the job before `due_at`.
  `create table jobs (
    job_id uuid primary key,
    kind text not null,
    subject uuid,
    subject_hash bytea,
    service text not null,
    state text not null default 'running' check (state in ('running', 'done', 'failed')),
    step int not null default 0,
    place jsonb not null default '{}',
    done bigint not null default 0,
    total bigint not null default 0,
    tries int not null default 0,
    problem text,
    lease_id uuid,
    due_at timestamptz not null default now(),
    created_at timestamptz(3) not null default now(),
    finished_at timestamptz(3)
  )`,
  `create index jobs_due on jobs (due_at) where state = 'running'`,
  `create unique index jobs_open on jobs (kind, subject) where state <> 'done'`,
  // A job has to void the device queues of these users.
  `create table job_resyncs (
    job_id uuid not null,
    user_id uuid not null,
    primary key (job_id, user_id)
  )`,

  // Keyed hashes of the ids of all who were erased, in the order of their erasures.
  `create table erased_users (
    erasure_id bigint generated always as identity primary key,
    hash bytea not null unique,
    erased_at timestamptz(3) not null default now()
  )`,
  // The key of these hashes is one row, wrapped by a content key.
  `create table erasure_secret (
    is_one boolean primary key default true check (is_one),
    key_id text not null,
    wrapped bytea not null
  )`,
  // It tells whether one of the hashes is of a user who was erased. An erasure that begins waits
  // for the transaction of the caller, and later calls wait for an erasure that is beginning: so
  // whatever names a user is either committed before the erasure looks, or refused.
  `create function any_erased(p_hashes bytea[]) returns boolean language plpgsql volatile as $$
  declare
    v_hash bytea;
  begin
    for v_hash in select distinct h from unnest(p_hashes) as h order by 1 loop
      perform pg_advisory_xact_lock_shared(7001, hashtext(encode(v_hash, 'hex')));
    end loop;
    return exists (select from erased_users where hash = any(p_hashes));
  end $$`,

  // An erasure makes people of the record of deletions nobody. Nothing else changes the record.
  `create function keep_or_forget() returns trigger language plpgsql as $$
    begin
      if (new.message_id, new.conversation_id, new.seq, new.deleted_at, new.reason)
          is distinct from
          (old.message_id, old.conversation_id, old.seq, old.deleted_at, old.reason)
        or new.sender_id not in (old.sender_id, ${NOBODY})
        or new.deleted_by not in (old.deleted_by, ${NOBODY})
      then
        raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
      end if;
      return new;
    end $$`,
  'drop trigger append_only on message_deletions',
  `create trigger append_only before delete or truncate on message_deletions
    for each statement execute function refuse_change()`,
  'alter table message_deletions enable always trigger append_only',
  `create trigger keep_or_forget before update on message_deletions
    for each row execute function keep_or_forget()`,
  'alter table message_deletions enable always trigger keep_or_forget',
];
