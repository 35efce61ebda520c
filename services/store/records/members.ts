import type { Kysely } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

export type Member = Awaited<ReturnType<typeof selectMembers>>[number];

/** Who takes part in a conversation now, by user id. */
export function selectMembers(db: Kysely<Database>, id: ConversationId) {
  return db
    .selectFrom('participants')
    .select(['user_id', 'role', 'first_visible_seq'])
    .select(['delivered_seq', 'read_seq'])
    .where('conversation_id', '=', id)
    .where('left_at', 'is', null)
    .orderBy('user_id')
    .execute();
}

export type Positions = Pick<Member, 'user_id' | 'delivered_seq' | 'read_seq'>;

/** What all other participants' positions say of one's own message. */
export function toStatus(
  { seq, sender_id }: { seq: number; sender_id: UserId },
  members: readonly Positions[],
): 'sent' | 'delivered' | 'read' {
  const others = members.filter(({ user_id }) => user_id !== sender_id);
  if (others.length === 0) return 'sent';
  if (others.every(({ read_seq }) => read_seq >= seq)) return 'read';
  return others.every(({ delivered_seq }) => delivered_seq >= seq) ? 'delivered' : 'sent';
}
