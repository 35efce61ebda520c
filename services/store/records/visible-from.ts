import { sql } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';

/**
 * The column has the first `seq` that is shown of conversation `c`: older messages are past the
 * retention time, or gone. Migration 0024 has the rule, and no other code may decide it. Behind the
 * columns of `c` it takes the place of the stored `first_seq`.
 */
export const firstShown = sql<number>`visible_from(c.conversation_id, c.first_seq)`.as('first_seq');

/**
 * The relation has a conversation, and from which `seq` on it is shown. The rule is judged once,
 * because Postgres does not merge a query that has an offset into the query around it.
 */
export function shownOf(id: ConversationId) {
  return sql`(select c.conversation_id, c.last_seq, ${firstShown}
    from conversations c where c.conversation_id = ${id} offset 0)`;
}
