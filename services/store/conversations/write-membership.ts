import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Plan, Writing } from './conversation-plan.ts';

/**
 * The users join for the first time or again. Their positions start at the last message before, so
 * that nothing older is unread, and no message that everybody had read turns unread again.
 */
export async function insertJoining(
  tx: Transaction<Database>,
  { locked }: Writing,
  { userIds, firstVisibleSeq }: NonNullable<Plan['join']>,
): Promise<void> {
  const { conversation, at } = locked;
  const { conversation_id: id, last_seq: lastSeq } = conversation;
  await sql`insert into users (user_id)
    select user_id from unnest(${userIds}::uuid[]) as u (user_id) order by 1
    on conflict do nothing`.execute(tx);
  await sql`insert into participants (conversation_id, user_id, role, joined_at, joined_seq,
      first_visible_seq, delivered_seq, read_seq)
    select ${id}, user_id, 'member', ${at}::timestamptz, ${lastSeq + 1}::bigint,
      ${firstVisibleSeq}::bigint, ${lastSeq}::bigint, ${lastSeq}::bigint
    from unnest(${userIds}::uuid[]) as u (user_id) order by user_id
    on conflict (conversation_id, user_id) do update set
      role = excluded.role, joined_at = excluded.joined_at, left_at = null,
      joined_seq = excluded.joined_seq, first_visible_seq = excluded.first_visible_seq,
      delivered_seq = excluded.delivered_seq, delivered_at = null,
      read_seq = excluded.read_seq, read_at = null,
      is_muted = false, muted_until = null, archived_at = null`.execute(tx);
}
