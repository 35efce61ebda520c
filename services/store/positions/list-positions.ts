import type { ConversationPositions } from '../../../shared/contracts/positions.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';

const LIST_POSITIONS = `
select c.conversation_id, c.version,
  coalesce(array_agg(p.user_id order by p.user_id) filter (where p.user_id is not null), '{}')
    as users,
  array_agg(p.delivered_seq order by p.user_id) as delivered
from conversations c
left join participants p on p.conversation_id = c.conversation_id and p.left_at is null
where c.conversation_id = any($1::uuid[])
group by c.conversation_id`;

type Row = {
  conversation_id: ConversationId;
  version: number;
  users: UserId[];
  delivered: string[];
};

/** `positions.list` returns each conversation's participants and their delivered positions. */
export async function listPositions(
  pool: Pool,
  conversationIds: readonly ConversationId[],
): Promise<ConversationPositions[]> {
  const rows = await pool.query<Row>(LIST_POSITIONS, [conversationIds]);
  return rows.map(({ conversation_id, version, users, delivered }) => ({
    conversation_id,
    version,
    positions: users.map((userId, index) => [userId, Number(delivered[index])]),
  }));
}
