import { type Kysely, sql } from 'kysely';
import type { UserId } from '../../shared/ids.ts';
import type { ListPlace, ListPosition } from './list-position.ts';
import type { Database } from './schema.ts';

type List = { userId: UserId; archived: boolean; limit: number };

/** More than an append takes from its time to its commit. */
const SETTLE_S = 5;

/** The newest as they are now. */
export async function selectFirst(db: Kysely<Database>, list: List): Promise<ListPlace[]> {
  const { rows } = await sql<ListPlace>`
    select c.conversation_id, c.last_activity as activity, t.settled_at
    from (select (clock_timestamp() - make_interval(secs => ${sql.lit(SETTLE_S)}))::timestamptz(3)
      as settled_at) t
    cross join participants p
    join conversations c using (conversation_id)
    where p.user_id = ${list.userId} and p.left_at is null
      and (p.archived_at is not null) = ${list.archived}
    order by c.last_activity desc, c.conversation_id desc
    limit ${list.limit}`.execute(db);
  return rows;
}

/**
 * Those after a position, each where it stood at `settledAt`: by its activity if that is not later,
 * else by the last message until then, else by its creation. Without those created since.
 */
export async function selectAfter(
  db: Kysely<Database>,
  list: List,
  position: ListPosition,
): Promise<ListPlace[]> {
  const { settledAt, activity, conversationId, listed } = position;
  const { rows } = await sql<ListPlace>`
    select conversation_id, activity, settled_at from (
      select c.conversation_id, t.settled_at,
        case when c.last_activity <= t.settled_at then c.last_activity
          else coalesce((select m.sent_at from messages m
            where m.conversation_id = c.conversation_id and m.sent_at <= t.settled_at
            order by m.seq desc limit 1), least(c.created_at, t.settled_at)) end as activity
      from (select ${settledAt}::timestamptz(3) as settled_at) t
      cross join participants p
      join conversations c using (conversation_id)
      where p.user_id = ${list.userId} and p.left_at is null
        and (p.archived_at is not null) = ${list.archived}
        and c.created_at <= t.settled_at + make_interval(secs => ${sql.lit(SETTLE_S)})
        and left(c.conversation_id::text, 8) <> all(${listed}::text[])
    ) listed
    where (activity, conversation_id) < (${activity}::timestamptz, ${conversationId}::uuid)
    order by activity desc, conversation_id desc
    limit ${list.limit}`.execute(db);
  return rows;
}
