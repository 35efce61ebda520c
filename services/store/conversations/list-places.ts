import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ListPlace, ListPosition } from './list-position.ts';

/** `limit` is one more than the page shows. */
export type List = { userId: UserId; archived: boolean; limit: number };

/** The mark covers all that a conversation's record is made of: equal marks mean equal records. */
export type MarkedPlace = ListPlace & { mark: string };

/**
 * The query returns the conversations with the newest activity as they are now. The mark has all
 * that changes a record. The version rises with each change of the conversation, its participants
 * and the user's own settings. While the version stays, positions only rise, so their sum tells of
 * each change. The last message that is there has a version of its own, a mute ends by itself, and
 * messages get too old to be shown.
 */
export async function selectFirst(db: Kysely<Database>, list: List): Promise<MarkedPlace[]> {
  const { rows } = await sql<MarkedPlace>`
    select conversation_id, activity, read_at,
      concat_ws(' ', version, visible_from(conversation_id, first_seq), last_seq, is_over,
        (select sum(o.delivered_seq + o.read_seq) from participants o
          where o.conversation_id = first.conversation_id and o.left_at is null),
        coalesce(
          (select m.version::text from messages m where m.conversation_id = first.conversation_id
            and m.seq = last_seq and m.sent_at = last_sent_at),
          (select concat(m.seq, '/', m.version) from messages m
            where m.conversation_id = first.conversation_id order by m.seq desc limit 1))) as mark
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
 * The query returns the conversations after a position, each at the place that it had at `readAt`.
 * The place is its last activity if that was not later, else its last message until then, else its
 * creation. Conversations that were created since are left out. A conversation above the position
 * that was not listed there was committed late: it gets the place that it had before.
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
          or left(conversation_id::text, 6) = any(${listed}::text[]) then stood
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

/** Returns how many of these conversations were ahead of the clock, and are of now instead. */
export async function correctActivity(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<number> {
  const { numAffectedRows } = await sql`
    update conversations set last_activity = now(), created_at = least(created_at, now())
    where conversation_id in (select conversation_id from conversations
      where conversation_id = any(${ids}::uuid[])
        and last_activity > now() + interval '1 minute' for no key update skip locked)`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** The expression is the place that conversation `c`, which has changed since, had at that time. */
function placeAt(time: string): RawBuilder<string> {
  return sql`coalesce(
    (select m.sent_at from messages m
      where m.conversation_id = c.conversation_id and m.sent_at <= ${time}::timestamptz
      order by m.seq desc limit 1),
    least(c.created_at, ${time}::timestamptz))`;
}
