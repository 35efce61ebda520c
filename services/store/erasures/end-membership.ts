import { type Kysely, sql, type Transaction } from 'kysely';
import type { JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import { type ConversationId, type JobId, NOBODY, type UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';
import type { InConversation } from './erasure-place.ts';

export type Erasing = { jobId: JobId; userId: UserId };
/** Either a router has to do something first, or the texts come next, or nothing is left. */
type Ended = { task: JobTask } | { at: InConversation } | 'gone';

/** A device queue holds events for 7 days. Who left earlier has nothing of the conversation. */
const QUEUED_DAYS = 8;

/** Returns a conversation that the user takes part in, or did. */
export async function findConversation(
  db: Kysely<Database>,
  userId: UserId,
): Promise<ConversationId | undefined> {
  const { rows } = await sql<{ conversation_id: ConversationId }>`
    select conversation_id from participants where user_id = ${userId}::uuid
    order by conversation_id limit 1`.execute(db);
  return rows[0]?.conversation_id;
}

/**
 * Ends the membership under the lock of the conversation. A send is judged under the same lock, so
 * none of the user's is committed afterwards. The row of the participant stays until the texts are
 * erased, because it says that something is left here. Groups are left, and business conversations
 * closed, by commands of a router, which tell those who stay.
 */
export async function endMembership(
  tx: Transaction<Database>,
  conversationId: ConversationId,
  { jobId, userId }: Erasing,
): Promise<Ended> {
  const conversation = await lock(tx, conversationId, userId);
  if (conversation === undefined) return 'gone';
  const task = taskOf(conversation, userId);
  if (task !== undefined) return { task };
  await sql`update participants set left_at = coalesce(left_at, now()), read_at = null,
      delivered_at = null
    where conversation_id = ${conversationId} and user_id = ${userId}`.execute(tx);
  await noteResyncs(tx, conversationId, { jobId, userId });
  const { rows } = await sql<{ last_seq: number; is_nobodys: boolean }>`
    update conversations set version = version + 1,
      direct_key = case when type = 'direct' or customer_id = ${userId} then null
        else direct_key end,
      created_by = case when created_by = ${userId} then ${NOBODY}::uuid else created_by end,
      customer_id = case when customer_id = ${userId} then ${NOBODY}::uuid else customer_id end,
      last_agent_id = nullif(last_agent_id, ${userId}::uuid),
      preferred_agent_id = nullif(preferred_agent_id, ${userId}::uuid)
    where conversation_id = ${conversationId}
    returning last_seq, (type <> 'business' or last_seq = 0)
      and not exists (select from participants p
        where p.conversation_id = ${conversationId} and p.left_at is null) as is_nobodys`.execute(
    tx,
  );
  const after = rows[0] as { last_seq: number; is_nobodys: boolean };
  return { at: { conversation_id: conversationId, seq: 0, ...after } };
}

/** The others' device queues may hold what goes. */
export async function noteResyncs(
  db: Kysely<Database>,
  conversationId: ConversationId,
  { jobId, userId }: Erasing,
): Promise<void> {
  await sql`insert into job_resyncs (job_id, user_id)
    select ${jobId}::uuid, user_id from participants
    where conversation_id = ${conversationId} and user_id <> ${userId}
      and (left_at is null or left_at > now() - interval '${sql.raw(String(QUEUED_DAYS))} days')
    on conflict do nothing`.execute(db);
}

type Locked = ConversationRow & { is_in: boolean };

async function lock(
  tx: Transaction<Database>,
  conversationId: ConversationId,
  userId: UserId,
): Promise<Locked | undefined> {
  const { rows } = await sql<ConversationRow>`select * from conversations
    where conversation_id = ${conversationId} for update`.execute(tx);
  const { rows: own } = await sql<{ is_in: boolean }>`
    select left_at is null as is_in from participants
    where conversation_id = ${conversationId} and user_id = ${userId} for update`.execute(tx);
  const [conversation, participant] = [rows[0], own[0]];
  if (participant === undefined) return undefined;
  if (conversation !== undefined) return { ...conversation, ...participant };
  await sql`delete from participants
    where conversation_id = ${conversationId} and user_id = ${userId}`.execute(tx);
  return undefined;
}

function taskOf(conversation: Locked, user_id: UserId): JobTask | undefined {
  const { conversation_id, type, business_id, customer_id, assignee_id, state } = conversation;
  if (type === 'group') {
    return conversation.is_in ? { task: 'leave', conversation_id, user_id } : undefined;
  }
  if (business_id === null) return undefined;
  if (assignee_id === user_id) return { task: 'remove_agent', business_id, user_id };
  const isOpen = customer_id === user_id && state !== 'closed';
  return isOpen ? { task: 'close', conversation_id, business_id } : undefined;
}
