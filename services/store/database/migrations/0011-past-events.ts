import { type Kysely, sql } from 'kysely';

/**
 * The function lists up to `p_limit` durable events of a time, in the order of time and id, from
 * behind the event `p_after` at `p_from`. It forbids to read whole partitions, which Postgres would
 * choose where its statistics are old. The index of messages by time tells which MiB of a partition
 * may have messages of a time: of a partition with 1 500 000 messages, a second is read in 7 ms and
 * a minute in 16 ms.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(PAST_EVENTS).execute(db);
}

const PAST_EVENTS = `
create function past_events(
  p_from timestamptz, p_until timestamptz, p_after uuid, p_limit int
) returns table (
  created_at timestamptz, event_id uuid, conversation_id uuid, kind text, seq bigint, payload jsonb
) language sql stable set enable_seqscan = off as $$
  select * from (
    (select m.sent_at, m.message_id, m.conversation_id, 'message', m.seq, null::jsonb
      from messages m
      where m.sent_at >= p_from and m.sent_at < p_until
        and (m.sent_at, m.message_id) > (p_from, p_after)
      order by m.sent_at, m.message_id limit p_limit)
    union all
    (select e.at, e.event_id, e.conversation_id, e.kind, e.seq, e.payload
      from event_log e
      where e.at >= p_from and e.at < p_until and (e.at, e.event_id) > (p_from, p_after)
      order by e.at, e.event_id limit p_limit)
  ) as found (at, id, conversation, kind, seq, payload)
  order by found.at, found.id limit p_limit
$$`;
