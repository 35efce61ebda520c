import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { Work } from './expired-partitions.ts';

/** So many messages were passed, and so many rows that hang on them are gone. */
type Cleared = { messages: number; keys: number; reactions: number; revisions: number };
type Place = { conversation_id: ConversationId; seq: number };

export const NOTHING: Cleared = { messages: 0, keys: 0, reactions: 0, revisions: 0 };
const START = '00000000-0000-0000-0000-000000000000';
/** Each row is found by an index, however few or many rows Postgres expects. */
const LEAN_PLANS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'];

/**
 * Clears the next messages of a pass: their conversations begin behind them, and keys, reactions
 * and earlier texts go. A process that dies leaves a batch that is done or not begun, and the next
 * one goes on behind the last that is done. Several processes may clear: only one of them has the
 * row of the partition, and a batch that another one has done changes nothing.
 */
export async function clearBatch(
  db: Kysely<Database>,
  work: Work,
  limit: number,
): Promise<Cleared> {
  const after = await readPlace(db, work);
  if (after === undefined) return NOTHING;
  const isFree = await raiseFirst(db, { work, after, limit });
  if (!isFree) return NOTHING;
  return db.transaction().execute(async (tx) => {
    for (const name of LEAN_PLANS) await sql`set local ${sql.raw(name)} = off`.execute(tx);
    const place = await lockPlace(tx, work);
    if (place?.conversation_id !== after.conversation_id || place.seq !== after.seq) return NOTHING;
    const { last_conversation, last_seq, ...cleared } = await clear(tx, { work, after, limit });
    if (cleared.messages < limit || last_conversation === null || last_seq === null) {
      await sql`update expired_partitions
        set cleared_until = pass_until, pass_until = null, pass_conversation = null, pass_seq = null
        where name = ${work.name}`.execute(tx);
    } else {
      await sql`update expired_partitions
        set pass_conversation = ${last_conversation}, pass_seq = ${last_seq}
        where name = ${work.name}`.execute(tx);
    }
    return cleared;
  });
}

/** The result is undefined if the pass is over. */
async function readPlace(db: Kysely<Database>, { name, passUntil }: Work) {
  const { rows } = await sql<Place>`
    select coalesce(pass_conversation, ${START}) as conversation_id, coalesce(pass_seq, 0) as seq
    from expired_partitions
    where name = ${name} and pass_until = ${passUntil}::timestamptz`.execute(db);
  return rows[0];
}

/** The result is undefined if the pass is over, or if another process is at it. */
async function lockPlace(tx: Transaction<Database>, { name, passUntil }: Work) {
  const { rows } = await sql<Place>`
    select coalesce(pass_conversation, ${START}) as conversation_id, coalesce(pass_seq, 0) as seq
    from expired_partitions
    where name = ${name} and pass_until = ${passUntil}::timestamptz
    for update skip locked`.execute(tx);
  return rows[0];
}

type Batch = { work: Work; after: Place; limit: number };

function batchOf({ work: { name, passUntil }, after, limit }: Batch) {
  return sql`
    select conversation_id, seq, sent_at, message_id, sender_id, client_msg_id, version
    from ${sql.table(name)}
    where (conversation_id, seq) > (${after.conversation_id}::uuid, ${after.seq}::bigint)
      and sent_at < ${passUntil}::timestamptz
    order by conversation_id, seq limit ${limit}`;
}

/**
 * Raises where the conversations of the batch begin, so that the messages stay hidden when they are
 * gone. The statement waits for nobody, and is a transaction of its own, so sends wait no longer
 * than it takes. The result says whether all are raised.
 */
async function raiseFirst(db: Kysely<Database>, batch: Batch): Promise<boolean> {
  const { rows } = await sql<{ left: number }>`
    with batch as materialized (${batchOf(batch)}),
    wanted as materialized (
      select c.conversation_id, b.first_seq
      from (select conversation_id, max(seq) + 1 as first_seq from batch group by 1) b
      join conversations c using (conversation_id) where c.first_seq < b.first_seq
    ), free as (
      select c.conversation_id, w.first_seq
      from wanted w join conversations c using (conversation_id)
      order by c.conversation_id for no key update of c skip locked
    ), raised as (
      update conversations c set first_seq = greatest(c.first_seq, f.first_seq)
      from free f where c.conversation_id = f.conversation_id returning 1
    )
    select (select count(*) from wanted) - (select count(*) from raised) as left`.execute(db);
  return rows[0]?.left === 0;
}

type ClearedRow = Cleared & { last_conversation: ConversationId | null; last_seq: number | null };

/** A key may be that of a later message by now, whose sender has used the same id again. */
async function clear(tx: Transaction<Database>, batch: Batch): Promise<ClearedRow> {
  const { name, isWhole } = batch.work;
  const rowsOfThemselves = isWhole
    ? sql``
    : sql`, gone as (
      delete from ${sql.table(name)} m using batch b
      where m.conversation_id = b.conversation_id and m.seq = b.seq and m.sent_at = b.sent_at)`;
  const { rows } = await sql<ClearedRow>`
    with batch as materialized (${batchOf(batch)}),
    keys as (
      delete from message_keys k using batch b
      where k.conversation_id = b.conversation_id and k.sender_id = b.sender_id
        and k.client_msg_id = b.client_msg_id and k.message_id = b.message_id returning 1
    ), reactions as (
      delete from reactions r using batch b
      where r.message_id = b.message_id and b.version > 1 returning 1
    ), revisions as (
      delete from message_revisions v using batch b
      where v.message_id = b.message_id and b.version > 1 returning 1
    )${rowsOfThemselves}
    select (select count(*) from batch) as messages, (select count(*) from keys) as keys,
      (select count(*) from reactions) as reactions,
      (select count(*) from revisions) as revisions,
      last.conversation_id as last_conversation, last.seq as last_seq
    from (select 1) one left join lateral (
      select conversation_id, seq from batch order by conversation_id desc, seq desc limit 1) last
      on true`.execute(tx);
  return rows[0] as ClearedRow;
}
