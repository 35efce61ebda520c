import { type Kysely, sql } from 'kysely';
import type { ReplyPreview } from '../../../shared/contracts/messages.ts';
import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { selectByPlace } from './message-places.ts';
import {
  type MessageRow,
  metadataOfSystem,
  type PreviewRow,
  toReplyPreview,
} from './message-row.ts';
import { shownOf } from './visible-from.ts';

type Replying = Pick<MessageRow, 'conversation_id' | 'message_id' | 'reply_to' | 'reply_to_seq'>;

/**
 * The map has, for each reply in `rows`, a preview of the message that it replies to, keyed by the
 * id of the reply. A reply to a message that is no
 * longer stored has no preview.
 */
export async function loadReplyPreviews(
  db: Kysely<Database>,
  ciphers: ContentCiphers,
  rows: readonly Replying[],
): Promise<Map<MessageId, ReplyPreview>> {
  const replied = await selectReplied(db, rows);
  const cipher = await ciphers.open(replied.values(), db);
  const byId = new Map([...replied].map(([id, row]) => [id, toReplyPreview(row, cipher)]));
  const previews = new Map<MessageId, ReplyPreview>();
  for (const { message_id, reply_to } of rows) {
    const preview = reply_to === null ? undefined : byId.get(reply_to);
    if (preview !== undefined) previews.set(message_id, preview);
  }
  return previews;
}

/** The map has the messages that are replied to, by their own ids. They are found by place. */
export async function selectReplied(
  db: Kysely<Database>,
  rows: readonly Replying[],
): Promise<Map<MessageId, MessageRow>> {
  const places = rows.flatMap(({ conversation_id, reply_to_seq: seq }) =>
    seq === null ? [] : { conversation_id, seq },
  );
  if (places.length === 0) return new Map();
  const found = await selectByPlace(db, places).execute();
  return new Map(found.map((row) => [row.message_id, row]));
}

export type FoundReply = PreviewRow & { seq: number };

/** The map has the messages that new sends reply to and that are still shown, by message id. */
export async function findReplies(
  db: Kysely<Database>,
  conversationId: ConversationId,
  messageIds: readonly MessageId[],
): Promise<Map<MessageId, FoundReply>> {
  if (messageIds.length === 0) return new Map();
  const rows: FoundReply[] = await db
    .selectFrom('messages')
    .select(['conversation_id', 'message_id', 'sender_id', 'message_type', 'content', 'key_id'])
    .select(['deleted_at', 'seq', metadataOfSystem('messages')])
    .where('message_id', '=', sql<MessageId>`any(${messageIds}::uuid[])`)
    .where('conversation_id', '=', conversationId)
    .where('seq', '>=', sql<number>`(select s.first_seq from ${shownOf(conversationId)} s)`)
    .execute();
  return new Map(rows.map((row) => [row.message_id, row]));
}
