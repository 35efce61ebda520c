import { type Kysely, sql } from 'kysely';
import { type MessageId, NOBODY, type UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { forgetDevices, lockDevices } from '../devices/forget-devices.ts';

/** A walk looks at so many rows of a record at once, in 10 to 40 ms. */
const PAGE = 5_000;
export const STEPS_PAGE = PAGE;
/** Each reaction changes the version of its message. */
const REACTIONS_PAGE = 200;
const KEYS_PAGE = 5_000;

/** Deletes some of the user's reactions. The result is false once there are none. */
export function eraseReactions(db: Kysely<Database>, userId: UserId): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ message_id: MessageId }>`
      select distinct message_id from reactions where user_id = ${userId}
      order by message_id limit ${REACTIONS_PAGE}`.execute(tx);
    const ids = rows.map(({ message_id }) => message_id);
    if (ids.length === 0) return false;
    // Reactions are written under the lock of their message.
    await sql`update messages set version = version + 1
      where message_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from reactions
      where message_id = any(${ids}::uuid[]) and user_id = ${userId}`.execute(tx);
    return true;
  });
}

/** Deletes some of the keys that made the user's sends idempotent. */
export async function eraseSendKeys(
  db: Kysely<Database>,
  { conversationId, userId }: { conversationId: string; userId: UserId | undefined },
): Promise<boolean> {
  const ofUser = userId === undefined ? sql`` : sql`and sender_id = ${userId}`;
  const { numAffectedRows = 0n } = await sql`
    delete from message_keys where (conversation_id, sender_id, client_msg_id) in (
      select conversation_id, sender_id, client_msg_id from message_keys
      where conversation_id = ${conversationId} ${ofUser} limit ${KEYS_PAGE})`.execute(db);
  return numAffectedRows > 0n;
}

/** Steps of businesses tell of nobody instead of the user. Returns where the next page begins. */
export async function eraseSteps(
  db: Kysely<Database>,
  userId: UserId,
  after: number,
): Promise<number | undefined> {
  const nobodyFor = (column: string) => {
    const name = sql.ref(`s.${column}`);
    return sql`case when ${name} = ${userId} then ${NOBODY}::uuid else ${name} end`;
  };
  const { rows } = await sql<{ last: number | null; count: number }>`
    with page as materialized (
      select step_id, ${userId}::uuid in (actor_id, agent_id, from_agent_id) as is_named
      from business_steps where step_id > ${after}::bigint order by step_id limit ${STEPS_PAGE}
    ), changed as (
      update business_steps s set actor_id = ${nobodyFor('actor_id')},
        agent_id = ${nobodyFor('agent_id')}, from_agent_id = ${nobodyFor('from_agent_id')}
      from page where s.step_id = page.step_id and page.is_named
    )
    select max(step_id) as last, count(*) as count from page`.execute(db);
  const page = rows[0];
  return page !== undefined && page.count >= PAGE ? (page.last ?? undefined) : undefined;
}

/** The record of deletions keeps who deleted what, of all but the user. */
export async function eraseDeletions(
  db: Kysely<Database>,
  userId: UserId,
  after: string,
): Promise<string | undefined> {
  const { rows } = await sql<{ message_id: string; is_named: boolean | null }>`
    select message_id, ${userId}::uuid in (sender_id, deleted_by) as is_named
    from message_deletions where message_id > ${after}::uuid
    order by message_id limit ${PAGE}`.execute(db);
  const named = rows.filter(({ is_named }) => is_named).map(({ message_id }) => message_id);
  if (named.length > 0) {
    await sql`update message_deletions set
        sender_id = case when sender_id = ${userId} then ${NOBODY}::uuid else sender_id end,
        deleted_by = case when deleted_by = ${userId} then ${NOBODY}::uuid else deleted_by end
      where message_id = any(${named}::uuid[])`.execute(db);
  }
  return rows.length >= PAGE ? rows.at(-1)?.message_id : undefined;
}

type EventPlace = { at: string; id: string };

/** The log of events does not name the user among those who were told. */
export async function eraseEvents(
  db: Kysely<Database>,
  userId: UserId,
  { at, id }: EventPlace,
): Promise<EventPlace | undefined> {
  const { rows } = await sql<{ at: string; event_id: string; is_named: boolean | null }>`
    select at, event_id, payload->'user_ids' ? ${userId}::text as is_named from event_log
    where (at, event_id) > (${at}::timestamptz, ${id}::uuid)
    order by at, event_id limit ${PAGE}`.execute(db);
  const named = rows.filter(({ is_named }) => is_named);
  if (named.length > 0) {
    const keys = sql`unnest(${named.map((row) => row.at)}::timestamptz[],
      ${named.map((row) => row.event_id)}::uuid[]) as named (at, event_id)`;
    await sql`delete from event_log e using ${keys}
      where e.at = named.at and e.event_id = named.event_id
        and (e.payload ? 'left' or jsonb_array_length(e.payload->'user_ids') = 1)`.execute(db);
    await sql`update event_log e
      set payload = jsonb_set(payload, '{user_ids}', (payload->'user_ids') - ${userId}::text)
      from ${keys} where e.at = named.at and e.event_id = named.event_id`.execute(db);
  }
  const last = rows.at(-1);
  return last !== undefined && rows.length >= PAGE ? { at: last.at, id: last.event_id } : undefined;
}

/** Nothing is owed to the user any more, and what tells them that they left is not told. */
export async function eraseOwed(db: Kysely<Database>, userId: UserId): Promise<void> {
  const isNamed = sql`payload->'user_ids' ? ${userId}::text`;
  await sql`delete from outbox where ${isNamed} and payload ? 'left'`.execute(db);
  await sql`update outbox set missed = array_remove(missed, ${userId}::uuid),
      payload = case when ${isNamed}
        then jsonb_set(payload, '{user_ids}', (payload->'user_ids') - ${userId}::text)
        else payload end
    where ${userId}::uuid = any(missed) or ${isNamed}`.execute(db);
}

/** Tells whether something is owed to users since before this time. */
export async function isOwedSince(db: Kysely<Database>, since: string): Promise<boolean> {
  const { rows } = await sql<{ is_owed: boolean | null }>`
    select min(created_at) < ${since}::timestamptz as is_owed from outbox
    where missed is distinct from '{}'`.execute(db);
  return rows[0]?.is_owed === true;
}

/** The record of exports keeps when and by whom, but not of whom. */
export async function eraseExports(db: Kysely<Database>, userId: UserId): Promise<void> {
  await sql`update exports set user_id = ${NOBODY} where user_id = ${userId}`.execute(db);
}

export async function eraseDevices(db: Kysely<Database>, userId: UserId): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockDevices(tx, userId);
    await forgetDevices(tx, userId);
    await sql`delete from users where user_id = ${userId}`.execute(tx);
  });
}
