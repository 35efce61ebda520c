import { type Kysely, sql } from 'kysely';
import { classifyFailure } from '../database/database-error.ts';
import { ensurePartitions } from '../database/ensure-partitions.ts';
import type { Database } from '../database/schema.ts';

/** A transaction moves at most this many messages to the time of now. */
const BATCH = 200;
/** Each row is found by an index, although Postgres may expect few rows of partitions ahead. */
const LEAN_PLANS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'];

/**
 * A message that was sent while the clock was years ahead would stay for years too long. So it gets
 * the time of now, and its conversation with it. The result says how many messages there were. Only
 * a clock that is trusted may judge this: by one that is behind, all messages would be ahead. A
 * conversation that is locked waits for the next call.
 */
export async function restampAhead(db: Kysely<Database>): Promise<number> {
  try {
    return await restamp(db);
  } catch (error) {
    if (classifyFailure(error) !== 'no_partition') throw error;
    await ensurePartitions(db, 1);
    return await restamp(db);
  }
}

function restamp(db: Kysely<Database>): Promise<number> {
  return db.transaction().execute(async (tx) => {
    for (const name of LEAN_PLANS) await sql`set local ${sql.raw(name)} = off`.execute(tx);
    const { rows } = await sql<{ moved: number }>`
      with ahead as materialized (
        select conversation_id, seq, sent_at, message_id, sender_id, client_msg_id from messages
        where sent_at > now() + interval '1 hour' limit ${sql.lit(BATCH)}
      ), free as materialized (
        select c.conversation_id from conversations c
        where c.conversation_id in (select conversation_id from ahead)
        order by c.conversation_id for no key update skip locked
      ), mine as materialized (
        select a.*, date_trunc('milliseconds', now()) as at
        from ahead a join free using (conversation_id)
      ), moved as (
        update messages m set sent_at = mine.at from mine
        where m.conversation_id = mine.conversation_id and m.seq = mine.seq
          and m.sent_at = mine.sent_at
        returning 1
      ), keys as (
        update message_keys k set sent_at = mine.at from mine
        where k.conversation_id = mine.conversation_id and k.sender_id = mine.sender_id
          and k.client_msg_id = mine.client_msg_id and k.message_id = mine.message_id
      ), last as (
        update conversations c set last_sent_at = mine.at,
          last_activity = least(c.last_activity, mine.at)
        from mine where c.conversation_id = mine.conversation_id and c.last_seq = mine.seq
      )
      select count(*) as moved from moved`.execute(tx);
    return rows[0]?.moved ?? 0;
  });
}
