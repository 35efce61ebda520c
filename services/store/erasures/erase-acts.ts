import { type Kysely, sql } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { type Erasing, noteResyncs } from './end-membership.ts';
import { STEPS_PAGE } from './erase-records.ts';
import { eraseTexts } from './erase-texts.ts';
import type { ActsPlace } from './erasure-place.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Found = { seen: number | null; conversation_id: ConversationId | null; last_seq: number };

/** So many conversations at most are looked through for a message of the user at once. */
const LOOKED_AT = 100;

/**
 * A manager closes, reopens and gives away conversations without taking part in them, and system
 * messages there tell of it. The steps of businesses say in which. Returns where to go on, or
 * undefined once nothing is left behind the steps of the page.
 */
export async function eraseActs(
  { db, ciphers }: Deps,
  { after, seen = after, at }: ActsPlace,
  { jobId, userId }: Erasing,
): Promise<ActsPlace | undefined> {
  if (at !== undefined && at.seq < at.last_seq) {
    return { after, seen, at: await eraseTexts({ db, ciphers }, { at, userId }) };
  }
  const found = await findActs(db, userId, { after, seen });
  if (found === undefined || found.seen === null) return undefined;
  const { conversation_id, last_seq } = found;
  if (conversation_id === null) return { after, seen: found.seen };
  await noteResyncs(db, conversation_id, { jobId, userId });
  const next = { conversation_id, seq: 0, last_seq, is_nobodys: false };
  return { after, seen: found.seen, at: next };
}

/** Finds the first conversation that has a message of the user, or how far it has looked. */
async function findActs(
  db: Kysely<Database>,
  userId: UserId,
  { after, seen }: { after: number; seen: number },
): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    with page as materialized (
      select step_id, conversation_id, ${userId}::uuid in (actor_id, agent_id, from_agent_id)
        as is_named
      from business_steps where step_id > ${after}::bigint order by step_id limit ${STEPS_PAGE}
    ), named as materialized (
      select step_id, conversation_id from page
      where is_named and step_id > ${seen}::bigint and conversation_id is not null
      order by step_id limit ${LOOKED_AT}
    ), acted as (
      select step_id, c.conversation_id, c.last_seq
      from named join conversations c using (conversation_id)
      where exists (select from messages m
        where m.conversation_id = c.conversation_id and m.sender_id = ${userId})
      order by step_id limit 1
    )
    select coalesce((select step_id from acted), max(named.step_id)) as seen,
      (select conversation_id from acted) as conversation_id,
      (select last_seq from acted) as last_seq
    from named`.execute(db);
  return rows[0];
}
