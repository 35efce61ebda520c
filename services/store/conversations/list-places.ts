import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ListPlace, ListPosition } from './list-position.ts';

/** `limit`: one more than the page shows. */
export type List = { userId: UserId; archived: boolean; limit: number };

/** A place and what its conversation's record is made of: the same mark is the same record. */
export type MarkedPlace = ListPlace & { mark: string };

/**
 * The newest as they are now. A version rises with every change of a conversation, of who takes
 * part and of the user's own settings; positions only rise while it stays, so that their sum tells
 * of each; the last message has a version of its own; a mute ends by itself.
 */
export async function selectFirst(db: Kysely<Database>, list: List): Promise<MarkedPlace[]> {
  const { rows } = await sql<MarkedPlace>`
    select conversation_id, activity, read_at,
      concat_ws(' ', version, first_seq, last_seq, is_over,
        (select sum(o.delivered_seq + o.read_seq) from participants o
          where o.conversation_id = first.conversation_id and o.left_at is null),
        (select m.version from messages m where m.conversation_id = first.conversation_id
          and m.seq = last_seq and m.sent_at = last_sent_at)) as mark
    from (
      select c.conversation_id, c.last_activity as activity, t.read_at,
        c.version, c.first_seq, c.last_seq, c.last_sent_at, p.muted_until <= now() as is_over
      from (select clock_timestamp()::timestamptz(3) as read_at) t
      cross join participants p
      join conversations c using (conversation_id)
      where p.user_id = ${list.userId} and p.left_at is null
        and (p.archived_at is not null) = ${list.archived}
      order by c.last_activity desc, c.conversation_id desc
      limit ${list.limit}
    ) first
    order by activity desc, conversation_id desc`.execute(db);
  return rows;
}

/**
 * Those after a position, each where it stood at `readAt`: by its activity if that is not later,
 * else by the last message until then, else by its creation. Without those created since. What is
 * above the position and was not listed there was committed late: it stands where it did before.
 */
export async function selectAfter(
  db: Kysely<Database>,
  list: List,
  position: ListPosition,
): Promise<ListPlace[]> {
  const { readAt, openSince, activity, conversationId, listed } = position;
  const end = sql`(${activity}::timestamptz, ${conversationId}::uuid)`;
  const { rows } = await sql<ListPlace>`
    select conversation_id, place as activity, ${readAt}::timestamptz(3) as read_at from (
      select conversation_id, case
        when (stood, conversation_id) < ${end} or stood <= ${openSince}::timestamptz
          or left(conversation_id::text, 8) = any(${listed}::text[]) then stood
        else ${placeAt(openSince)} end as place
      from (
        select c.conversation_id, c.created_at, case
          when c.last_activity <= ${readAt}::timestamptz then c.last_activity
          else ${placeAt(readAt)} end as stood
        from participants p
        join conversations c using (conversation_id)
        where p.user_id = ${list.userId} and p.left_at is null
          and (p.archived_at is not null) = ${list.archived}
          and c.created_at <= ${readAt}::timestamptz
      ) c
    ) placed
    where (place, conversation_id) < ${end}
    order by place desc, conversation_id desc
    limit ${list.limit}`.execute(db);
  return rows;
}

/** Of the conversation `c`, one that has changed since. */
function placeAt(time: string): RawBuilder<string> {
  return sql`coalesce(
    (select m.sent_at from messages m
      where m.conversation_id = c.conversation_id and m.sent_at <= ${time}::timestamptz
      order by m.seq desc limit 1),
    least(c.created_at, ${time}::timestamptz))`;
}
