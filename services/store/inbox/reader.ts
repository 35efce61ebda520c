import { type Kysely, sql } from 'kysely';
import type { InConversation } from '../../../shared/contracts/conversations.ts';
import type { Database } from '../database/schema.ts';

/**
 * Says that an agent may read a conversation of their business without taking part. The rule is
 * `maySee` (`shared/business/may-see.ts`). A statement that reads messages judges by it itself, so
 * somebody who lost a conversation a moment ago reads nothing. The query names `conversations` `c`
 * and `business_agents` `a`.
 */
const readerRule = sql<boolean>`(a.role = 'manager' or c.state = 'waiting'
  or c.state = 'assigned' and c.assignee_id = a.user_id
  or c.state = 'closed' and c.last_agent_id = a.user_id)`;

/**
 * The relation has one row if the user may read the conversation, and none otherwise. Readers see
 * all messages that are shown, as the agent who has the conversation does.
 */
export function readerOf({ user_id, conversation_id }: InConversation) {
  return sql`(select c.conversation_id,
      visible_from(c.conversation_id, c.first_seq) as first_visible_seq
    from conversations c join business_agents a using (business_id)
    where c.conversation_id = ${conversation_id} and a.user_id = ${user_id} and ${readerRule}
    offset 0) r`;
}

/** Tells whether the user may read the conversation now, without taking part in it. */
export async function isReader(db: Kysely<Database>, request: InConversation): Promise<boolean> {
  return (await firstSeqForReader(db, request)) !== undefined;
}

/** Returns from which `seq` on such a reader sees messages, or undefined if they may not read. */
export async function firstSeqForReader(
  db: Kysely<Database>,
  request: InConversation,
): Promise<number | undefined> {
  const { rows } = await sql<{ first_visible_seq: number }>`
    select first_visible_seq from ${readerOf(request)}`.execute(db);
  return rows[0]?.first_visible_seq;
}
