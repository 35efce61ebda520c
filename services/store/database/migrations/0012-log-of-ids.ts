import { type Kysely, sql } from 'kysely';

/**
 * The log of events holds ids, versions and times alone. The payload of a removal shows the removed
 * user the conversation as it was, with its title, and the log forgets that.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [WITHOUT_RECORD, WRITE_OUTBOX, FORGET_RECORDS]) {
    await sql.raw(statement).execute(db);
  }
}

/**
 * `left` keeps its version, and a list without participants, so that the payload still fits its
 * kind. Whom the event tells of the removal stands beside it, in `user_ids`.
 */
const WITHOUT_RECORD = `
create function without_record(p_payload jsonb) returns jsonb language sql immutable as $$
  select case when p_payload ? 'left' then jsonb_set(p_payload, '{left}',
    jsonb_build_object('version', p_payload #> '{left,version}', 'participants', '[]'::jsonb))
    else p_payload end
$$`;

/** This version of the function replaces that of migration 0007, which says how it is called. */
const WRITE_OUTBOX = `
create or replace function write_outbox(
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

const FORGET_RECORDS = `
update event_log set payload = without_record(payload) where payload ? 'left'`;
