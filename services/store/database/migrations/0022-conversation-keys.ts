import { type Kysely, sql } from 'kysely';

/**
 * Each conversation has a key of its own, which is wrapped by a content key. The functions that
 * write texts refuse a text whose key is gone: nobody could read it. They stand beside those of
 * migrations 0019 and 0021, which stores of the version before call until they have ended.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [CONTENT_KEYS, APPEND_MESSAGES, REWRITE_MESSAGE]) {
    await sql.raw(statement).execute(db);
  }
}

/**
 * A key that was erased leaves its row without `wrapped`, so that no later key has its generation.
 * The time tells a key that a failover lost from the one that was made instead. There is no foreign
 * key, because making a key would wait for whoever has locked the conversation.
 */
const CONTENT_KEYS = `
create table content_keys (
  conversation_id uuid not null,
  generation int not null,
  key_id text not null,
  wrapped bytea,
  created_at timestamptz(3) not null,
  primary key (conversation_id, generation)
)`;

/** The rest of the function is as migrations 0014 and 0021 explain it. */
const APPEND_MESSAGES = `
create function append_messages(
  p_wait boolean, p_generation int[], p_key_made timestamptz[],
  p_conversation uuid[], p_sender uuid[], p_client_msg uuid[], p_message uuid[],
  p_type message_type[], p_reply uuid[], p_reply_seq bigint[], p_content bytea[],
  p_metadata bytea[], p_in_step boolean default false
) returns table (
  item int, status text, message_id uuid, seq bigint, sent_at timestamptz,
  conversation_version int, fanout_pending boolean, was_ahead boolean
) language plpgsql volatile as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := date_trunc('milliseconds', clock_timestamp());
  v_conversation uuid;
  v_state text;          -- The conversation is ok, locked, business or no_conversation.
  v_archived boolean;
  v_ahead boolean;       -- The conversation's last time is ahead of the clock.
  v_generation int;      -- The conversation has the key of this generation and time.
  v_key_made timestamptz;
  v_end int;             -- This is the index of the conversation's last item.
  v_version int;
  v_seq bigint;
  v_at timestamptz;
  v_last int;            -- This is its last item so far that is to be written.
  v_owed int;
  -- These arrays have one element per item, null if the item is not to be written. In v_tops only
  -- the last item that is to be written of each conversation has its seq.
  v_events uuid[] := array_fill(null::uuid, array[cardinality(p_conversation)]);
  v_seqs bigint[] := array_fill(null::bigint, array[cardinality(p_conversation)]);
  v_tops bigint[] := array_fill(null::bigint, array[cardinality(p_conversation)]);
  v_ats timestamptz[] := array_fill(null::timestamptz, array[cardinality(p_conversation)]);
begin
  for i in 1 .. cardinality(p_conversation) loop
    item := i;
    message_id := null; seq := null; sent_at := null; fanout_pending := null;

    if v_conversation is distinct from p_conversation[i] then
      v_last := null;
      v_generation := null;
      v_conversation := p_conversation[i];
      v_state := 'ok';
      -- A business conversation outside of a step is not found here, and so it is not locked.
      if p_wait then
        select last_seq, sent_after(last_sent_at, v_now), version, has_archived,
            last_sent_at > v_now + interval '1 minute'
          into v_seq, v_at, v_version, v_archived, v_ahead
          from conversations
          where conversation_id = v_conversation and (p_in_step or type <> 'business')
          for no key update;
      else
        select last_seq, sent_after(last_sent_at, v_now), version, has_archived,
            last_sent_at > v_now + interval '1 minute'
          into v_seq, v_at, v_version, v_archived, v_ahead
          from conversations
          where conversation_id = v_conversation and (p_in_step or type <> 'business')
          for no key update skip locked;
      end if;
      if not found then
        select case when type = 'business' and not p_in_step then 'business' else 'locked' end
          into v_state from conversations where conversation_id = v_conversation;
        v_state := coalesce(v_state, 'no_conversation');
      elsif v_archived and not p_wait then
        v_state := 'locked'; -- Unarchiving locks rows of other users: only p_wait may.
      end if;
      -- The update below locks the row of a lone item's sender. The rows of several senders are
      -- locked here, in order, before any of them is updated.
      v_end := i;
      while p_conversation[v_end + 1] = v_conversation loop
        v_end := v_end + 1;
      end loop;
      if v_state = 'ok' and (v_end > i or v_archived) then
        perform from participants
          where conversation_id = v_conversation
            and (user_id = any (p_sender[i : v_end]) or (v_archived and archived_at is not null))
          order by user_id for no key update;
      end if;
    end if;
    conversation_version := v_version; was_ahead := v_ahead;

    status := v_state;
    if status <> 'ok' then
      return next; continue;
    end if;

    -- The key is looked up under the lock of the conversation, so that no erasure can come between.
    if v_generation is distinct from p_generation[i] or v_key_made is distinct from p_key_made[i]
    then
      perform from content_keys k where k.conversation_id = v_conversation
        and k.generation = p_generation[i] and k.created_at = p_key_made[i]
        and k.wrapped is not null;
      if not found then
        status := 'key_gone';
        return next; continue;
      end if;
      v_generation := p_generation[i]; v_key_made := p_key_made[i];
    end if;

    insert into message_keys
      (conversation_id, sender_id, client_msg_id, message_id, seq, sent_at)
      values (v_conversation, p_sender[i], p_client_msg[i], p_message[i], v_seq + 1, v_at)
      on conflict do nothing;
    if not found then
      select 'duplicate', k.message_id, k.seq, k.sent_at,
          exists (select from outbox o where o.event_id = k.message_id)
        into status, message_id, seq, sent_at, fanout_pending
        from message_keys k where k.conversation_id = v_conversation
          and k.sender_id = p_sender[i] and k.client_msg_id = p_client_msg[i];
      return next; continue;
    end if;

    -- One statement judges membership and the visibility of the reply, and raises the positions. A
    -- refusal deletes the key again: refusals are rare, and a check before the insert would cost
    -- every send a statement.
    update participants
      set delivered_seq = v_seq + 1, delivered_at = v_at, read_seq = v_seq + 1, read_at = v_at
      where conversation_id = v_conversation and user_id = p_sender[i] and left_at is null
        and (p_reply[i] is null or p_reply_seq[i] >= first_visible_seq);
    if not found then
      delete from message_keys where conversation_id = v_conversation
        and sender_id = p_sender[i] and client_msg_id = p_client_msg[i];
      perform from participants
        where conversation_id = v_conversation and user_id = p_sender[i] and left_at is null;
      status := case when found then 'bad_reply' else 'not_a_participant' end;
      return next; continue;
    end if;

    v_seq := v_seq + 1;
    v_events[i] := p_message[i];
    v_seqs[i] := v_seq;
    v_ats[i] := v_at;
    if v_last is not null then
      v_tops[v_last] := null;
    end if;
    v_tops[i] := v_seq;
    v_last := i;
    message_id := p_message[i]; seq := v_seq; sent_at := v_at;
    return next;
  end loop;

  insert into messages
    (conversation_id, seq, sent_at, message_id, sender_id, client_msg_id, message_type,
     content, metadata, key_id, reply_to, reply_to_seq)
    select w.conversation, w.seq, w.at, w.message, w.sender, w.client_msg, w.type,
       w.content, w.metadata, '@' || w.generation, w.reply, w.reply_seq
      from unnest(p_conversation, v_seqs, v_ats, p_message, p_sender, p_client_msg, p_type,
        p_content, p_metadata, p_reply, p_reply_seq, p_generation)
        as w (conversation, seq, at, message, sender, client_msg, type,
          content, metadata, reply, reply_seq, generation)
      where w.seq is not null;
  v_owed := write_outbox('message', v_events, p_conversation, v_seqs, null, v_now);

  update conversations c set last_seq = w.seq, last_sent_at = w.at, last_activity = w.at
    from unnest(p_conversation, v_tops, v_ats) as w (conversation, seq, at)
    where w.seq is not null and c.conversation_id = w.conversation;
  if v_last is not null and v_archived then
    update participants set archived_at = null
      where conversation_id = v_conversation and archived_at is not null;
    update conversations set has_archived = false where conversation_id = v_conversation;
  end if;
end $$`;

/** The rest of the function is as migration 0019 explains it. */
const REWRITE_MESSAGE = `
create or replace function rewrite_message(
  p_conversation uuid, p_seq bigint, p_sent_at timestamptz, p_message uuid, p_user uuid,
  p_role participant_role, p_edited_at timestamptz, p_reason deletion_reason,
  p_content bytea, p_metadata bytea,
  p_old_version int, p_old_content bytea, p_old_metadata bytea, p_event uuid, p_old_key_id text,
  p_generation int, p_key_made timestamptz
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
  -- The lock of the conversation keeps erasures away, so the key is there until the end.
  perform from content_keys k where k.conversation_id = p_conversation
    and k.generation = p_generation and k.created_at = p_key_made and k.wrapped is not null;
  if not found then
    status := 'key_gone'; seers := null;
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
        key_id = '@' || p_generation, edited_at = v_at
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
