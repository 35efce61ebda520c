import { encodeInbox } from '../../shared/events.ts';
import type { AppendResult, MessageInput, MessageRecord } from '../../shared/rpc.ts';

/** What is the same for every letter besides its content and metadata: ids and field names. */
const FRAME_BYTES = 400;
const METADATA_BYTES_MAX = 4 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON has to escape
const ESCAPED = /["\\\u0000-\u001f]/;

export type Appended = Extract<AppendResult, { ok: true }>;

/** The record of a message that was appended just now. */
export function recordOf(input: MessageInput, appended: Appended): MessageRecord {
  const record: MessageRecord = {
    message_id: appended.message_id,
    conversation_id: input.conversation_id,
    seq: appended.seq,
    sender_id: input.user_id,
    client_msg_id: input.client_msg_id,
    version: 1,
    content: input.content,
    message_type: input.message_type ?? 'text',
    sent_at: appended.sent_at,
  };
  if (input.metadata !== undefined) record.metadata = input.metadata;
  if (appended.reply_to !== undefined) record.reply_to = appended.reply_to;
  return record;
}

/** The `message` event as every participant's queue gets it: the same bytes for all. */
export function encodeMessageEvent(record: MessageRecord): Uint8Array {
  const header = {
    kind: 'message' as const,
    conversationId: record.conversation_id,
    seq: record.seq,
    senderId: record.sender_id,
  };
  return encodeInbox(header, `{"type":"message",${JSON.stringify(record).slice(1)}`);
}

/** An upper bound of a send's size in an append, bytes, without making its JSON. */
export function sizeOf(input: MessageInput): number {
  const { content, metadata } = input;
  const text = ESCAPED.test(content) ? JSON.stringify(content) : content;
  return Buffer.byteLength(text) + FRAME_BYTES + (metadata === undefined ? 0 : METADATA_BYTES_MAX);
}
