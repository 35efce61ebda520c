import { type Kysely, sql } from 'kysely';

/**
 * The function with one argument more stands beside that of migration 0009, which stores of the
 * version before call until they have ended.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(REWRITE_MESSAGE).execute(db);
}

/**
 * The function edits or deletes a message if everything that the caller judged still holds: the
 * user's role and the text of the message. Otherwise the status is `stale`. The earlier text goes
 * to the revisions with the key that the caller names for it: a text that the caller could not read
 * stays encrypted as it was. The function takes the locks that `react` takes. `edited_at` only
 * rises, so an equal `edited_at` means an equal text.
 */
const REWRITE_MESSAGE = `
create or replace function rewrite_message(
  p_conversation uuid, p_seq bigint, p_sent_at timestamptz, p_message uuid, p_user uuid,
  p_role participant_role, p_edited_at timestamptz, p_reason deletion_reason, p_key_id text,
  p_content bytea, p_metadata bytea,
  p_old_version int, p_old_content bytea, p_old_metadata bytea, p_event uuid, p_old_key_id text
) returns table (
  status text, version int, changed_at timestamptz, seers uuid[], emojis text[], reactors uuid[]
) language plpgsql volatile
  set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_message record;
  v_may boolean;
  v_at timestamptz;
  v_version int;
  v_owed int;
  v_change text := case when p_reason is null then 'edited' else 'deleted' end;
begin
  select m.version, m.sender_id, m.edited_at, m.deleted_at into v_message
    from messages m join conversations c using (conversation_id)
    where m.conversation_id = p_conversation and m.seq = p_seq and m.sent_at = p_sent_at
      and m.message_id = p_message
    for no key update of m for key share of c;
  if found then
    select array_agg(p.user_id), bool_or(p.user_id = p_user and p.role = p_role)
      into seers, v_may from participants p
      where p.conversation_id = p_conversation and p.left_at is null
        and p.first_visible_seq <= p_seq;
  end if;
  if v_may is not true or v_message.deleted_at is not null
    or v_message.edited_at is distinct from p_edited_at
  then
    status := 'stale'; seers := null;
    return next; return;
  end if;

  v_at := greatest(date_trunc('milliseconds', clock_timestamp()),
    v_message.edited_at + interval '1 ms');
  v_version := v_message.version + 1;
  insert into message_revisions (message_id, version, conversation_id, content, metadata, key_id,
      replaced_at, replaced_by)
    values (p_message, p_old_version, p_conversation, p_old_content, p_old_metadata, p_old_key_id,
      v_at, p_user);
  if p_reason is null then
    update messages m set version = v_version, content = p_content, metadata = p_metadata,
        key_id = p_key_id, edited_at = v_at
      where m.conversation_id = p_conversation and m.seq = p_seq and m.sent_at = p_sent_at;
    if v_message.version > 1 then
      select array_agg(r.emoji order by r.version), array_agg(r.user_id order by r.version)
        into emojis, reactors from reactions r where r.message_id = p_message;
    end if;
  else
    update messages m set version = v_version, content = null, metadata = null, deleted_at = v_at
      where m.conversation_id = p_conversation and m.seq = p_seq and m.sent_at = p_sent_at;
    delete from reactions r where r.message_id = p_message;
    insert into message_deletions (message_id, conversation_id, seq, sender_id, deleted_by,
        deleted_at, reason)
      values (p_message, p_conversation, p_seq, v_message.sender_id, p_user, v_at, p_reason);
  end if;
  v_owed := write_outbox('message_updated', array[p_event], array[p_conversation], array[p_seq],
    array[jsonb_build_object(
      'change', v_change, 'version', v_version,
      'changed_at', to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))], v_at);
  status := 'ok'; version := v_version; changed_at := v_at;
  return next;
end $$`;
