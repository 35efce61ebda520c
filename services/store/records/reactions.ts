import { type Kysely, sql } from 'kysely';
import type { Reaction, ReactionSet } from '../../../shared/contracts/messages.ts';
import type { MessageId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { MessageRow } from './message-row.ts';

type Changed = Pick<MessageRow, 'message_id' | 'version' | 'deleted_at'>;

/**
 * The map has the reactions of each message, in the order in which the emoji came. A message that
 * never changed has no reactions, so most pages need no query.
 */
export async function loadReactions(
  db: Kysely<Database>,
  rows: readonly Changed[],
): Promise<Map<MessageId, ReactionSet[]>> {
  const sets = new Map<MessageId, ReactionSet[]>();
  const ids = rows.flatMap((row) => (hasChanged(row) ? row.message_id : []));
  if (ids.length === 0) return sets;
  const reactions = await db
    .selectFrom('reactions')
    .select(['message_id', 'emoji', 'user_id'])
    .where('message_id', '=', sql<MessageId>`any(${ids}::uuid[])`)
    .orderBy('message_id')
    .orderBy('version')
    .execute();
  for (const { message_id, emoji, user_id } of reactions) {
    const ofMessage = sets.get(message_id) ?? [];
    sets.set(message_id, ofMessage);
    addTo(ofMessage, emoji, user_id);
  }
  return sets;
}

/** The parallel lists hold one message's reactions in order; they become one set per emoji. */
export function toReactionSets(
  emojis: readonly string[],
  userIds: readonly UserId[],
): ReactionSet[] {
  const sets: ReactionSet[] = [];
  for (const [index, emoji] of emojis.entries()) addTo(sets, emoji, userIds[index] as UserId);
  return sets;
}

function addTo(sets: ReactionSet[], emoji: string, userId: UserId): void {
  const same = sets.find((set) => set.emoji === emoji);
  if (same === undefined) sets.push({ emoji, user_ids: [userId] });
  else same.user_ids.push(userId);
}

function hasChanged({ version, deleted_at }: Changed): boolean {
  return version > 1 && deleted_at === null;
}

/** The viewer sees a count for each emoji, and whether the viewer is among those who reacted. */
export function toReactions(sets: readonly ReactionSet[], viewerId: UserId): Reaction[] {
  return sets.map(({ emoji, user_ids }) => ({
    emoji,
    count: user_ids.length,
    mine: user_ids.includes(viewerId),
  }));
}
