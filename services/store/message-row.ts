import type { ConversationId, MessageId, UserId } from '../../shared/ids.ts';
import type { MessageRecord, MessageType, ReplyPreview } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { present } from './conversation-record.ts';

/** The columns of a message that every read takes. */
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

export type MessageRow = {
  conversation_id: ConversationId;
  seq: number;
  sent_at: string;
  message_id: MessageId;
  sender_id: UserId;
  client_msg_id: string | null;
  message_type: MessageType | 'system';
  content: Buffer | null;
  metadata: Buffer | null;
  key_id: string;
  version: number;
  reply_to: MessageId | null;
  reply_to_seq: number | null;
  edited_at: string | null;
  deleted_at: string | null;
};

/** Code points of the message replied to that are shown. */
const PREVIEW_CODE_POINTS = 140;

export type PreviewRow = Pick<
  MessageRow,
  | 'conversation_id'
  | 'message_id'
  | 'sender_id'
  | 'message_type'
  | 'content'
  | 'key_id'
  | 'deleted_at'
>;

/** A row as the event carries it. Deleted: without content and metadata. */
export function toMessageRecord(
  row: MessageRow,
  cipher: ContentCipher,
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
  if (row.content !== null) record.content = openContent(row, cipher);
  const metadata = openMetadata(row, cipher);
  if (metadata !== undefined) record.metadata = JSON.parse(metadata);
  return record;
}

/** The metadata as JSON text. */
export function openMetadata(row: MessageRow, cipher: ContentCipher): string | undefined {
  const { conversation_id, message_id, metadata, key_id } = row;
  if (metadata === null) return undefined;
  return cipher.decrypt(metadata, key_id, { conversation_id, message_id, field: 'metadata' });
}

/** What a message shows of the one it replies to. */
export function toReplyPreview(row: PreviewRow, cipher: ContentCipher): ReplyPreview {
  const { message_id, sender_id, message_type } = row;
  if (row.deleted_at !== null) {
    return { message_id, sender_id, message_type, content: '', deleted: true };
  }
  const content = firstCodePoints(openContent(row, cipher), PREVIEW_CODE_POINTS);
  return { message_id, sender_id, message_type, content };
}

/** The plain content; empty where none is stored. */
export function openContent(
  row: Pick<MessageRow, 'conversation_id' | 'message_id' | 'content' | 'key_id'>,
  cipher: ContentCipher,
): string {
  const { conversation_id, message_id, content, key_id } = row;
  if (content === null) return '';
  return cipher.decrypt(content, key_id, { conversation_id, message_id, field: 'content' });
}

/** A code point is at most two units, so a slice of twice as many surely holds them. */
function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text;
  return [...text.slice(0, count * 2)].slice(0, count).join('');
}
