import { type Kysely, sql } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Database } from '../database/schema.ts';
import type { Place } from '../records/message-places.ts';

export type UndeliveredPlace = Place & { sent_at: string };
/** A place found for a user also says from which `seq` on the user sees the conversation. */
export type FoundPlace = UndeliveredPlace & { first_visible_seq: number };

/** Older messages are not replayed: a device queue keeps events for the same 7 days. */
const AGE_DAYS_MAX = LIMITS.replayDaysMax;
/** One conversation yields at most this many: one more than a replay of 1000 can show. */
const CONVERSATION_MESSAGES_MAX = LIMITS.replayMessagesMax + 1;

/** This is judged once for participant `p` of conversation `c`: see `shownOf`. */
const SEEN = sql`(select greatest(p.first_visible_seq,
  visible_from(c.conversation_id, c.first_seq)) as first_visible_seq offset 0)`;

type Selection = { userId: UserId; after: UndeliveredPlace | undefined; limit: number };

/** Places come oldest first; only conversations with messages above the position are read. */
export async function selectUndelivered(
  db: Kysely<Database>,
  { userId, after, limit }: Selection,
): Promise<FoundPlace[]> {
  const rest = after
    ? sql`(m.sent_at, m.conversation_id, m.seq)
        > (${after.sent_at}::timestamptz, ${after.conversation_id}::uuid, ${after.seq}::bigint)`
    : sql`true`;
  const { rows } = await sql<FoundPlace>`
    select u.conversation_id, u.seq, u.sent_at, s.first_visible_seq
    from participants p
    join conversations c using (conversation_id)
    cross join lateral ${SEEN} s
    cross join lateral (
      select m.conversation_id, m.seq, m.sent_at from messages m
      where m.conversation_id = p.conversation_id
        and m.seq > greatest(p.delivered_seq, s.first_visible_seq - 1)
        and m.sent_at > now() - make_interval(days => ${sql.lit(AGE_DAYS_MAX)})
        and m.sender_id <> p.user_id and m.deleted_at is null and ${rest}
      order by m.seq limit ${sql.lit(CONVERSATION_MESSAGES_MAX)}
    ) u
    where p.user_id = ${userId} and p.left_at is null and c.last_seq > p.delivered_seq
    order by u.sent_at, u.conversation_id, u.seq
    limit ${limit}`.execute(db);
  return rows;
}

/** The result says whether undelivered messages of others are too old for the replay. */
export async function hasOlderUndelivered(db: Kysely<Database>, userId: UserId): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from participants p
      join conversations c using (conversation_id)
      cross join lateral ${SEEN} s
      join messages m on m.conversation_id = p.conversation_id
        and m.seq > greatest(p.delivered_seq, s.first_visible_seq - 1)
        and m.sent_at > coalesce(retention_limit(), '-infinity')
      where p.user_id = ${userId} and p.left_at is null and c.last_seq > p.delivered_seq
        and m.sent_at <= now() - make_interval(days => ${sql.lit(AGE_DAYS_MAX)})
        and m.sender_id <> p.user_id and m.deleted_at is null
    ) as found`.execute(db);
  return rows[0]?.found === true;
}
