import { type Kysely, sql } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { LoadedConversation, ParticipantRow } from './conversation-rows.ts';

/** Each conversation that has unread messages of the user has its count of them here. */
export type UnreadCounts = ReadonlyMap<ConversationId, number>;

/**
 * Counts the unread messages of a user that are there and are shown. Conversations of which the
 * user has read everything need no query.
 */
export async function countUnread(
  db: Kysely<Database>,
  all: readonly LoadedConversation[],
  userId: UserId,
): Promise<UnreadCounts> {
  const places = all.flatMap(({ conversation, participants }) => {
    const viewer = participants.find(({ user_id }) => user_id === userId);
    if (viewer === undefined || unreadAtMost(conversation, viewer) === 0) return [];
    const { conversation_id, first_seq, last_seq } = conversation;
    return { conversation_id, last_seq, above: Math.max(lastSeen(viewer), first_seq - 1) };
  });
  if (places.length === 0) return new Map();
  const column = <Name extends keyof (typeof places)[number]>(name: Name) =>
    places.map((place) => place[name]);
  const { rows } = await sql<{ conversation_id: ConversationId; unread: number }>`
    select conversation_id, unread_above(conversation_id, above, last_seq) as unread
    from unnest(${column('conversation_id')}::uuid[], ${column('above')}::bigint[],
      ${column('last_seq')}::bigint[]) as c (conversation_id, above, last_seq)`.execute(db);
  return new Map(rows.map(({ conversation_id, unread }) => [conversation_id, unread]));
}

/** The messages above the user's position are unread, if none of them was deleted by hand. */
export function unreadAtMost(
  { first_seq, last_seq }: LoadedConversation['conversation'],
  viewer: ParticipantRow,
): number {
  return Math.max(last_seq - Math.max(lastSeen(viewer), first_seq - 1), 0);
}

function lastSeen({ read_seq, first_visible_seq }: ParticipantRow): number {
  return Math.max(read_seq, first_visible_seq - 1);
}
