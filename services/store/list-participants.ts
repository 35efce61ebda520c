import type { Kysely } from 'kysely';
import { KahaError } from '../../shared/errors.ts';
import type { ConversationId, UserId } from '../../shared/ids.ts';
import type { Participants } from '../../shared/rpc.ts';
import type { Database } from './schema.ts';

/** `conversations.participants`: who gets what is sent. Refusal: CONVERSATION_NOT_FOUND. */
export async function listParticipants(
  db: Kysely<Database>,
  conversationId: ConversationId,
): Promise<Participants> {
  const rows = await db
    .selectFrom('conversations as c')
    .leftJoin('participants as p', (join) =>
      join.onRef('p.conversation_id', '=', 'c.conversation_id').on('p.left_at', 'is', null),
    )
    .select(['c.type', 'c.version', 'p.user_id', 'p.first_visible_seq'])
    .where('c.conversation_id', '=', conversationId)
    .orderBy('p.user_id')
    .execute();
  const [first] = rows;
  if (first === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const { type, version } = first;
  const user_ids: UserId[] = [];
  const late: Participants['late'] = [];
  for (const { user_id, first_visible_seq: from } of rows) {
    if (user_id !== null) user_ids.push(user_id);
    if (user_id !== null && from !== null && from > 1) late.push([user_id, from]);
  }
  return { conversation_id: conversationId, type, version, user_ids, late };
}
