import { type Selectable, sql } from 'kysely';
import type { MessageRecord, ReplyPreview } from '../../../shared/contracts/messages.ts';
import { previewOf } from '../../../shared/protocol/preview.ts';
import { readSaid, type SystemSaid } from '../../../shared/protocol/system-messages.ts';
import type { ContentCipher, OpenText } from '../content/content-cipher.ts';
import type { MessagesTable } from '../database/schema.ts';
import { present } from './present.ts';

/** Every query that shows whole messages selects these columns. */
export const MESSAGE_COLUMNS = [
  'conversation_id',
  'seq',
  'sent_at',
  'message_id',
  'sender_id',
  'client_msg_id',
  'message_type',
  'content',
  'metadata',
  'key_id',
  'version',
  'reply_to',
  'reply_to_seq',
  'edited_at',
  'deleted_at',
] as const;

export type MessageRow = Selectable<MessagesTable>;

export type PreviewRow = Pick<
  MessageRow,
  | 'conversation_id'
  | 'message_id'
  | 'sender_id'
  | 'message_type'
  | 'content'
  | 'metadata'
  | 'key_id'
  | 'deleted_at'
>;

/**
 * A `message` event carries this record. A deleted message has no content and no metadata. A text
 * that `open` cannot read is left out, or fails the call if `open` throws.
 */
export function toMessageRecord(
  row: MessageRow,
  open: OpenText,
  reply: ReplyPreview | undefined,
): MessageRecord {
  const { conversation_id, message_id } = row;
  const record: MessageRecord = {
    message_id,
    conversation_id,
    seq: row.seq,
    sender_id: row.sender_id,
    version: row.version,
    message_type: row.message_type,
    sent_at: row.sent_at,
  };
  if (row.client_msg_id !== null) record.client_msg_id = row.client_msg_id;
  if (reply !== undefined) record.reply_to = reply;
  Object.assign(record, present(row, ['edited_at', 'deleted_at']));
  if (row.deleted_at !== null) return record;
  const content = row.content === null ? undefined : openContent(row, open);
  if (content !== undefined) record.content = content;
  const metadata = openMetadata(row, open);
  if (metadata !== undefined) record.metadata = JSON.parse(metadata);
  return record;
}

/** The result is the metadata as JSON text, or undefined if there is none or it cannot be read. */
export function openMetadata(
  row: Pick<MessageRow, 'conversation_id' | 'message_id' | 'metadata' | 'key_id'>,
  open: OpenText,
): string | undefined {
  const { conversation_id, message_id, metadata, key_id } = row;
  if (metadata === null) return undefined;
  return open(metadata, key_id, { conversation_id, message_id, field: 'metadata' });
}

/**
 * A message shows this preview of the message that it replies to. The preview is empty where that
 * cannot be read, so that it costs no reply.
 */
export function toReplyPreview(row: PreviewRow, cipher: ContentCipher): ReplyPreview {
  const { message_id, sender_id, message_type } = row;
  if (row.deleted_at !== null) {
    return { message_id, sender_id, message_type, content: '', deleted: true };
  }
  const content = previewOf(openContent(row, cipher.tryDecrypt) ?? '');
  return { message_id, sender_id, message_type, content, ...openSaid(row, cipher) };
}

/**
 * The column has the metadata of system messages, which says who did what. It is null for all other
 * messages, whose metadata can be 4 KiB.
 */
export function metadataOfSystem(table: 'm' | 'messages') {
  const [type, metadata] = [sql.ref(`${table}.message_type`), sql.ref(`${table}.metadata`)];
  return sql<Buffer | null>`case when ${type} = 'system' then ${metadata} end`.as('metadata');
}

type SystemRow = Parameters<typeof openMetadata>[0] & Pick<MessageRow, 'message_type'>;

/**
 * A service that knows names makes the content of a system message from `said`. Other messages have
 * no `said`, nor has one that cannot be read.
 */
export function openSaid(row: SystemRow, cipher: ContentCipher): { said?: SystemSaid } {
  if (row.message_type !== 'system') return {};
  const said = readSaid(JSON.parse(openMetadata(row, cipher.tryDecrypt) ?? 'null'));
  return said === undefined ? {} : { said };
}

/** The result is empty if no content is stored, and undefined if it cannot be read. */
export function openContent(
  row: Pick<MessageRow, 'conversation_id' | 'message_id' | 'content' | 'key_id'>,
  open: OpenText,
): string | undefined {
  const { conversation_id, message_id, content, key_id } = row;
  if (content === null) return '';
  return open(content, key_id, { conversation_id, message_id, field: 'content' });
}
