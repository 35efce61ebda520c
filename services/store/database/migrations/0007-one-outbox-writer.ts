import { type Kysely, sql } from 'kysely';

/**
 * One function writes the outbox, whoever changes something. It also writes the log of events, from
 * which a consumer of the feed catches up.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  await sql.raw(WITHOUT_RECORD).execute(db);
  await sql.raw(WRITE_OUTBOX).execute(db);
}

const STATEMENTS = [
  // The table of durable events in `shared` alone lists the kinds. A second list here would make
  // each new kind a migration.
  'alter table outbox alter column kind type text',
  'drop type outbox_kind',

  // `missed` lists the users who lack the event; null means that nobody is known to have it.
  // `is_fed` says that the feed has it, and `is_unreadable` that a claim could not read the row.
  `alter table outbox add column missed uuid[],
    add column is_fed boolean not null default false,
    add column is_unreadable boolean not null default false`,

  // Claims take the oldest rows first: those that are owed to users, and then those that only the
  // feed lacks. A row is in one of the two indexes. An append adds to the right end of the first,
  // and a claim leaves these columns as they are, so the new version of a leased row can stay in
  // its page.
  `create index outbox_owed_to_users on outbox (created_at) where missed is distinct from '{}'`,
  `create index outbox_owed_to_feed on outbox (created_at) where missed = '{}'`,

  // A message is its own entry in this log. Its partitions are filled in the order of time, so this
  // index holds two times for each MiB of them.
  'create index messages_sent_at on messages using brin (sent_at) with (autosummarize = on)',

  // The log has every durable event that is no message, for as long as a consumer of the feed may
  // stay away. The payload is that of the outbox row, without the record of a removal.
  `create table event_log (
    at timestamptz(3) not null,
    event_id uuid not null,
    conversation_id uuid not null,
    kind text not null,
    seq bigint,
    payload jsonb,
    primary key (at, event_id)
  )`,
];

/**
 * The log holds ids, versions and times alone. The payload of a removal shows the removed user the
 * conversation as it was, with its title, and the log leaves that out: `left` keeps its version and
 * a list without participants, so that the payload still fits its kind. Whom the event tells of the
 * removal stands beside it, in `user_ids`.
 */
const WITHOUT_RECORD = `
create function without_record(p_payload jsonb) returns jsonb language sql immutable as $$
  select case when p_payload ? 'left' then jsonb_set(p_payload, '{left}',
    jsonb_build_object('version', p_payload #> '{left,version}', 'participants', '[]'::jsonb))
    else p_payload end
$$`;

/**
 * The arrays have one element for each event, and an element without an event id writes nothing.
 * The result is the number of events that are owed now. An append calls the function for one
 * message as often as for 500, so the call must be cheap: its caller assigns the result to a
 * variable, because `perform` costs more, and all events of a call have one kind, because each
 * array costs something too. `docs/decisions/owed-fan-outs.md` has the figures.
 */
const WRITE_OUTBOX = `
create function write_outbox(
  p_kind text, p_events uuid[], p_conversations uuid[], p_seqs bigint[], p_payloads jsonb[],
  p_at timestamptz
) returns int language plpgsql volatile as $$
declare
  v_owed int;
begin
  insert into outbox (event_id, conversation_id, kind, seq, payload, created_at)
    select w.event, w.conversation, p_kind, w.seq, w.payload, p_at
      from unnest(p_events, p_conversations, p_seqs, p_payloads)
        as w (event, conversation, seq, payload)
      where w.event is not null;
  get diagnostics v_owed = row_count;
  if p_kind <> 'message' then
    insert into event_log (at, event_id, conversation_id, kind, seq, payload)
      select p_at, w.event, w.conversation, p_kind, w.seq, without_record(w.payload)
        from unnest(p_events, p_conversations, p_seqs, p_payloads)
          as w (event, conversation, seq, payload)
        where w.event is not null;
  end if;
  return v_owed;
end $$`;
