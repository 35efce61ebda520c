import { type Kysely, sql } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database, ParticipantsTable } from '../database/schema.ts';
import { shownOf } from './visible-from.ts';

export type Participant = Pick<ParticipantsTable, 'user_id' | 'role'> & {
  /** The participant sees messages from this `seq` on, which rises when messages get too old. */
  first_visible_seq: number;
  delivered_seq: number;
  read_seq: number;
};

/** The query returns the participants of a conversation, in the order of their user ids. */
export async function selectParticipants(
  db: Kysely<Database>,
  id: ConversationId,
): Promise<Participant[]> {
  const { rows } = await sql<Participant>`
    select p.user_id, p.role, p.delivered_seq, p.read_seq,
      greatest(p.first_visible_seq, c.first_seq) as first_visible_seq
    from ${shownOf(id)} c join participants p using (conversation_id)
    where p.left_at is null
    order by p.user_id`.execute(db);
  return rows;
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
