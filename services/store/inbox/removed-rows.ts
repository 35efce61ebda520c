import { sql, type Transaction } from 'kysely';
import type { BusinessId, ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ConversationRow, ParticipantRow } from '../records/conversation-rows.ts';
import { firstShown } from '../records/visible-from.ts';

/** An agent who is to lose this conversation has it. The participants take part now. */
export type HeldRow = { conversation: ConversationRow; participants: ParticipantRow[] };

/** Locks what agents of a business have, and then the participants, in the order of their ids. */
export async function lockHeld(
  tx: Transaction<Database>,
  businessId: BusinessId,
  agents: readonly UserId[],
): Promise<HeldRow[]> {
  const conversations = await tx
    .selectFrom('conversations as c')
    .selectAll('c')
    .select(firstShown)
    .where('c.business_id', '=', businessId)
    .where('c.state', '=', 'assigned')
    .where('c.assignee_id', '=', sql<UserId>`any(${agents}::uuid[])`)
    .orderBy('c.conversation_id')
    .forUpdate()
    .execute();
  const rows = await tx
    .selectFrom('participants')
    .selectAll()
    .where('conversation_id', '=', anyOf(conversations))
    .where('left_at', 'is', null)
    .orderBy('conversation_id')
    .orderBy('user_id')
    .forNoKeyUpdate()
    .execute();
  const held = new Map(
    conversations.map((conversation): [ConversationId, HeldRow] => [
      conversation.conversation_id,
      { conversation, participants: [] },
    ]),
  );
  for (const row of rows) held.get(row.conversation_id)?.participants.push(row);
  return [...held.values()];
}

/**
 * The conversations wait, as `planReturn` says for one of them, and their agents take part no more.
 * The result has the conversations afterwards, and the database's time of the change.
 */
export async function writeReturned(
  tx: Transaction<Database>,
  held: readonly HeldRow[],
): Promise<{ after: Map<ConversationId, ConversationRow>; at: string }> {
  const rows = held.map(({ conversation }) => conversation);
  const { rows: clock } = await sql<{ at: string }>`
    select date_trunc('milliseconds', clock_timestamp()) as at`.execute(tx);
  const { at } = clock[0] as { at: string };
  const after = await tx
    .updateTable('conversations as c')
    .set({
      version: sql`version + 1`,
      state: 'waiting',
      waiting_since: sql`coalesce(unanswered_since, ${at}::timestamptz)`,
      assignee_id: null,
      preferred_agent_id: null,
      has_answered: null,
    })
    .where('c.conversation_id', '=', anyOf(rows))
    .returningAll()
    .returning(firstShown)
    .execute();
  await sql`update participants p set left_at = ${at}::timestamptz
    from unnest(${rows.map(({ conversation_id }) => conversation_id)}::uuid[],
      ${rows.map(({ assignee_id }) => assignee_id)}::uuid[]) as held (conversation_id, user_id)
    where p.conversation_id = held.conversation_id and p.user_id = held.user_id`.execute(tx);
  return { after: new Map(after.map((row) => [row.conversation_id, row])), at };
}

function anyOf(rows: readonly { conversation_id: ConversationId }[]) {
  const ids = rows.map(({ conversation_id }) => conversation_id);
  return sql<ConversationId>`any(${ids}::uuid[])`;
}
