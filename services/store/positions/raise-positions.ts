import type { Pool } from '../database/pool.ts';
import type { Position } from './reduce-positions.ts';

/**
 * Positions only rise, they never pass the conversation's last message, and they rise only for
 * users who still take part. The statement locks rows in the order (conversation, user), as every
 * writer does, and leaves rows alone that would not change. A position and its time change
 * together. The time is that of an edge's clock, and no later than that of Postgres.
 */
const RAISE_POSITIONS = `
with wanted as (
  select w.conversation_id, w.user_id,
    least(w.delivered_seq, c.last_seq) as delivered_seq,
    least(w.delivered_at, t.now) as delivered_at,
    least(w.read_seq, c.last_seq) as read_seq, least(w.read_at, t.now) as read_at
  from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::bigint[],
    $6::timestamptz[])
    as w (conversation_id, user_id, delivered_seq, delivered_at, read_seq, read_at)
  join conversations c using (conversation_id)
  cross join (select date_trunc('milliseconds', clock_timestamp()) as now) t
), locked as materialized (
  select w.* from wanted w join participants p using (conversation_id, user_id)
  where p.left_at is null and (p.delivered_seq < w.delivered_seq or p.read_seq < w.read_seq)
  order by p.conversation_id, p.user_id
  for no key update of p
)
update participants p set
  delivered_at = case when p.delivered_seq < l.delivered_seq then l.delivered_at
    else p.delivered_at end,
  delivered_seq = greatest(p.delivered_seq, l.delivered_seq),
  read_at = case when p.read_seq < l.read_seq then l.read_at else p.read_at end,
  read_seq = greatest(p.read_seq, l.read_seq)
from locked l
where p.conversation_id = l.conversation_id and p.user_id = l.user_id`;

export async function raisePositions(pool: Pool, positions: readonly Position[]): Promise<void> {
  const toTime = (ms: number): string => new Date(ms).toISOString();
  await pool.query(RAISE_POSITIONS, [
    positions.map((one) => one.conversation_id),
    positions.map((one) => one.user_id),
    positions.map((one) => one.delivered_seq),
    positions.map((one) => toTime(one.delivered_at_ms)),
    positions.map((one) => one.read_seq),
    positions.map((one) => toTime(one.read_at_ms)),
  ]);
}
