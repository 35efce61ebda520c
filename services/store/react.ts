import type { Kysely, Transaction } from 'kysely';
import { KahaError } from '../../shared/errors.ts';
import type { MessageReaction, OutboxEntry, Reaction, ReactionSet } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { type LockedMessage, lockMessage, toEntry, writeChange } from './locked-message.ts';
import { EMOJI_MAX, judgeReaction } from './message-rights.ts';
import type { MessageRow } from './message-row.ts';
import { loadReactions, toReactions } from './reactions.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Reacted = { reactions: Reaction[]; entry?: OutboxEntry };

/**
 * `messages.react`: one per user and emoji. Setting one that is set and removing one that is not
 * change nothing. Refusals: MESSAGE_NOT_FOUND; FORBIDDEN for a system message; CONFLICT for one
 * that was deleted, and for a 21st emoji.
 */
export async function react({ db, cipher }: Deps, request: MessageReaction): Promise<Reacted> {
  const { user_id } = request;
  return await db.transaction().execute(async (tx) => {
    const locked = await lockMessage(tx, request);
    judgeReaction(locked.row);
    const isNew = await write(tx, locked, request);
    if (!isNew) return { reactions: toReactions(await setsOf(tx, locked.row), user_id) };
    const kind = 'reactions' as const;
    const { eventId, row } = await writeChange(tx, locked, { kind, set: {} });
    const reactions = await setsOf(tx, row);
    if (reactions.length > EMOJI_MAX) {
      throw new KahaError('CONFLICT', `A message has at most ${EMOJI_MAX} different emoji`);
    }
    const entry = toEntry({ eventId, kind, row, reactions, locked }, cipher);
    return { reactions: toReactions(reactions, user_id), entry };
  });
}

async function setsOf(tx: Transaction<Database>, row: MessageRow): Promise<ReactionSet[]> {
  return (await loadReactions(tx, [row])).get(row.message_id) ?? [];
}

/** False where it was so already. */
async function write(
  tx: Transaction<Database>,
  { row, at }: LockedMessage,
  { user_id, emoji, remove }: MessageReaction,
): Promise<boolean> {
  const { message_id } = row;
  if (remove) {
    const gone = await tx
      .deleteFrom('reactions')
      .where('message_id', '=', message_id)
      .where('emoji', '=', emoji)
      .where('user_id', '=', user_id)
      .executeTakeFirst();
    return gone.numDeletedRows > 0n;
  }
  const added = await tx
    .insertInto('reactions')
    .values({ message_id, emoji, user_id, version: row.version + 1, reacted_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (added.numInsertedOrUpdatedRows ?? 0n) > 0n;
}
