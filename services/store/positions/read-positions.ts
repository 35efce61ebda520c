import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';

export type Read = { conversation_id: ConversationId; user_id: UserId; seq: number };

/**
 * `locked` says that another transaction holds the participant's row: this statement changed
 * nothing for it, and the caller tries again.
 */
export type ReadRow = {
  status: 'ok' | 'locked' | 'not_a_participant' | 'no_conversation';
  version: number;
  read_seq: number;
  unread: number;
  first_visible_seq: number;
  /** The time is null if the position stood for more than 10 s, or stood by the user's sending. */
  read_at: string | null;
  delivered_seq: number;
  delivered_at: string;
};

/**
 * The statement raises every position that stands below the wanted one. It never waits for a lock,
 * so it can neither deadlock nor be held up by one conversation. The CTE `locked` has the rows as
 * they are under the lock, which may be newer than the statement's snapshot. A user whom another
 * transaction removed meanwhile is missing there, so that user's status is `locked` once, and the
 * next try says the truth.
 * A position that a read raised within the last 10 s is reported as raised again: the first answer
 * may have been lost, and then nobody has told the other participants. A position that the user's
 * own message raised is not reported again.
 */
const READ_POSITIONS = `
with wanted as (
  select w.* from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality
    as w (conversation_id, user_id, seq, item)
), locked as materialized (
  select p.conversation_id, p.user_id, p.first_visible_seq, p.read_seq, p.read_at,
    p.delivered_seq, p.delivered_at
  from wanted w join participants p using (conversation_id, user_id)
  where p.left_at is null
  order by p.conversation_id, p.user_id
  for no key update of p skip locked
), raised as (
  update participants p set
    read_seq = least(w.seq, c.last_seq), read_at = t.now,
    delivered_seq = greatest(p.delivered_seq, least(w.seq, c.last_seq)),
    delivered_at = case when p.delivered_seq < least(w.seq, c.last_seq) then t.now
      else p.delivered_at end
  from locked l
  join wanted w using (conversation_id, user_id)
  join conversations c using (conversation_id)
  cross join (select date_trunc('milliseconds', clock_timestamp()) as now) t
  where p.conversation_id = l.conversation_id and p.user_id = l.user_id
    and p.read_seq < least(w.seq, c.last_seq)
  returning p.conversation_id, p.user_id, p.read_seq, p.read_at, p.delivered_seq, p.delivered_at
)
select case when l.user_id is not null then 'ok' when p.user_id is not null then 'locked'
    when c.conversation_id is not null then 'not_a_participant' else 'no_conversation' end
    as status,
  c.version, l.first_visible_seq, coalesce(r.read_seq, l.read_seq) as read_seq,
  case when coalesce(r.read_seq, l.read_seq) < c.last_seq then
    unread_above(c.conversation_id,
      greatest(coalesce(r.read_seq, l.read_seq), l.first_visible_seq - 1,
        visible_from(c.conversation_id, c.first_seq) - 1), c.last_seq) else 0 end as unread,
  coalesce(r.read_at, case when l.read_at > clock_timestamp() - interval '10 s'
    and l.read_at is distinct from c.last_sent_at then l.read_at end) as read_at,
  coalesce(r.delivered_seq, l.delivered_seq) as delivered_seq,
  coalesce(r.delivered_at, l.delivered_at) as delivered_at
from wanted w
left join conversations c using (conversation_id)
left join participants p on p.conversation_id = w.conversation_id and p.user_id = w.user_id
  and p.left_at is null
left join locked l on l.conversation_id = w.conversation_id and l.user_id = w.user_id
left join raised r on r.conversation_id = w.conversation_id and r.user_id = w.user_id
order by w.item`;

/** The result has one row per read, in order; no two reads may share user and conversation. */
export function readPositions(pool: Pool, reads: readonly Read[]): Promise<ReadRow[]> {
  return pool.query<ReadRow>(READ_POSITIONS, [
    reads.map((one) => one.conversation_id),
    reads.map((one) => one.user_id),
    reads.map((one) => one.seq),
  ]);
}
