import type { Kysely } from 'kysely';
import type { HistoryMessage, ReactionSet } from '../../../shared/contracts/messages.ts';
import { canSee } from '../../../shared/durable-events/audience.ts';
import type { MessageId, UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { type MessageRow, toMessageRecord } from './message-row.ts';
import { type Positions, toStatus } from './message-status.ts';
import { loadReactions, toReactions } from './reactions.ts';
import { loadReplyPreviews } from './reply-previews.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Scene = {
  /** All rows belong to one conversation. */
  rows: readonly MessageRow[];
  viewer: { user_id: UserId; first_visible_seq: number };
  participants: readonly Positions[];
  /** A caller that knows the reactions saves a query. */
  reactions?: ReadonlyMap<MessageId, ReactionSet[]>;
};

/**
 * Messages are shown as the viewer sees them in history, in the order of the rows. One that cannot
 * be read is shown without content and metadata.
 */
export async function showMessages(
  { db, ciphers }: Deps,
  { rows, viewer, participants, reactions: known }: Scene,
): Promise<HistoryMessage[]> {
  const replies = rows.filter(({ reply_to_seq }) => canSee(viewer, reply_to_seq));
  const [cipher, previews, reactions] = await Promise.all([
    ciphers.open(rows, db),
    loadReplyPreviews(db, ciphers, replies),
    known ?? loadReactions(db, rows),
  ]);
  return rows.map((row) => {
    const record = toMessageRecord(row, cipher.tryDecrypt, previews.get(row.message_id));
    const sets = reactions.get(row.message_id) ?? [];
    const message: HistoryMessage = { ...record, reactions: toReactions(sets, viewer.user_id) };
    if (row.sender_id === viewer.user_id) message.status = toStatus(row, participants);
    return message;
  });
}
