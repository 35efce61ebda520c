import { type Kysely, sql } from 'kysely';

/**
 * A clock that was ahead once leaves times that are ahead of it for as long. This version of the
 * function replaces that of migration 0014. A message is never before the one in front of it, as
 * before, but for one case: if that time is more than a minute ahead of the clock, the clock was
 * wrong then, and the message gets the time of the clock. `was_ahead` says so. The order of
 * messages is that of `seq`.
 *
 * The rest of the function is as migration 0014 explains it. A store of the version before reads
 * the rows by name, and does not see the new column.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(SENT_AFTER).execute(db);
  await sql.raw(DROP_BEFORE).execute(db);
  await sql.raw(APPEND_MESSAGES).execute(db);
}

/** Postgres puts the body into the statements that call it. */
const SENT_AFTER = `
create function sent_after(p_last timestamptz, p_now timestamptz) returns timestamptz
  language sql stable as $$
  select case when p_last > p_now + interval '1 minute' then p_now
    else greatest(p_last, p_now) end $$`;

const DROP_BEFORE = `
drop function append_messages(
  boolean, text, uuid[], uuid[], uuid[], uuid[], message_type[], uuid[], bigint[], bytea[], bytea[],
  boolean
)`;

const APPEND_MESSAGES = `
create function append_messages(
  p_wait boolean, p_key_id text,
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
       w.content, w.metadata, p_key_id, w.reply, w.reply_seq
      from unnest(p_conversation, v_seqs, v_ats, p_message, p_sender, p_client_msg, p_type,
        p_content, p_metadata, p_reply, p_reply_seq)
        as w (conversation, seq, at, message, sender, client_msg, type,
          content, metadata, reply, reply_seq)
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
