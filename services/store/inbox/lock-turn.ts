import { sql, type Transaction } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import { isAvailable } from '../assignment/availability.ts';
import type { Database } from '../database/schema.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';

/** Says whether it is the turn of a waiting conversation to be given to an agent. */
export type Turn = {
  /** An older conversation waits that the same agent could have. */
  hasOlder: boolean;
  /** Another agent, who had the conversation last, is available. */
  isAwaited: boolean;
};

/**
 * An automatic assignment locks the inbox before it looks for older conversations, so that none
 * comes to wait, and none is given out, until the assignment is committed. It holds the locks of
 * the agent, the conversation and the participants by then, and locks nothing else afterwards.
 */
export async function lockTurn(
  tx: Transaction<Database>,
  { business_id, conversation_id, waiting_since, preferred_agent_id }: ConversationRow,
  agentId: UserId,
): Promise<Turn> {
  await tx
    .selectFrom('business_inboxes')
    .select('business_id')
    .where('business_id', '=', business_id)
    .forUpdate()
    .execute();
  const isThere = (userId: unknown) => sql`exists (
    select from business_agents a join businesses b using (business_id)
    where a.business_id = ${business_id} and a.user_id = ${userId} and ${isAvailable})`;
  const { rows } = await sql<Turn>`
    select
      exists (select from conversations c
        where c.business_id = ${business_id} and c.state = 'waiting'
          and (c.waiting_since, c.conversation_id)
            < (${waiting_since}::timestamptz, ${conversation_id}::uuid)
          and c.customer_id <> ${agentId}
          and (c.preferred_agent_id is null or c.preferred_agent_id = ${agentId}
            or not ${isThere(sql.ref('c.preferred_agent_id'))})) as "hasOlder",
      ${preferred_agent_id}::uuid <> ${agentId}::uuid
        and ${isThere(preferred_agent_id)} is true as "isAwaited"`.execute(tx);
  return rows[0] as Turn;
}
