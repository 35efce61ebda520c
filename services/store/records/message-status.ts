import type { Kysely } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

export type Participant = Awaited<ReturnType<typeof selectParticipants>>[number];

/** The query returns the participants of a conversation, in the order of their user ids. */
export function selectParticipants(db: Kysely<Database>, id: ConversationId) {
  return db
    .selectFrom('participants')
    .select(['user_id', 'role', 'first_visible_seq'])
    .select(['delivered_seq', 'read_seq'])
    .where('conversation_id', '=', id)
    .where('left_at', 'is', null)
    .orderBy('user_id')
    .execute();
}

export type Positions = Pick<Participant, 'user_id' | 'delivered_seq' | 'read_seq'>;

/** A sender's message has the status that all other participants' positions have reached. */
export function toStatus(
  { seq, sender_id }: { seq: number; sender_id: UserId },
  participants: readonly Positions[],
): 'sent' | 'delivered' | 'read' {
  const others = participants.filter(({ user_id }) => user_id !== sender_id);
  if (others.length === 0) return 'sent';
  if (others.every(({ read_seq }) => read_seq >= seq)) return 'read';
  return others.every(({ delivered_seq }) => delivered_seq >= seq) ? 'delivered' : 'sent';
}
