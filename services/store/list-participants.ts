import type { Kysely } from 'kysely';
import { KahaError } from '../../shared/errors.ts';
import type { ConversationId, UserId } from '../../shared/ids.ts';
import type { Participants } from '../../shared/rpc.ts';
import type { ConversationRow, ParticipantRow } from './conversation-rows.ts';
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
    .select(['c.type', 'c.version', 'p.user_id', 'p.first_visible_seq', 'p.joined_seq'])
    .where('c.conversation_id', '=', conversationId)
    .orderBy('p.user_id')
    .execute();
  const [first] = rows;
  if (first === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const { type, version } = first;
  const conversation = { conversation_id: conversationId, type, version };
  const participants = rows.flatMap(({ user_id, first_visible_seq, joined_seq }) =>
    user_id === null || first_visible_seq === null || joined_seq === null
      ? []
      : { user_id, first_visible_seq, joined_seq },
  );
  return toParticipants({ conversation, participants });
}

type Loaded = {
  conversation: Pick<ConversationRow, 'conversation_id' | 'type' | 'version'>;
  participants: readonly Pick<ParticipantRow, 'user_id' | 'first_visible_seq' | 'joined_seq'>[];
};

export function toParticipants({ conversation, participants }: Loaded): Participants {
  const { conversation_id, type, version } = conversation;
  const user_ids: UserId[] = [];
  const late: Participants['late'] = [];
  const joiners: Participants['joiners'] = [];
  for (const { user_id, first_visible_seq: from, joined_seq: joinedSeq } of participants) {
    user_ids.push(user_id);
    if (from > 1) late.push([user_id, from]);
    if (joinedSeq > 1) joiners.push([user_id, joinedSeq]);
  }
  return { conversation_id, type, version, user_ids, late, joiners };
}
