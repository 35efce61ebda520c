import type { AppendResult } from '../../../shared/contracts/append.ts';
import { encodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageInput, MessageRecord } from '../../../shared/contracts/messages.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import { namesPeople } from '../../../shared/protocol/system-messages.ts';
import type { Delivery } from './fan-out.ts';

/** Ids and field names take at most this much of a send, besides its content and metadata. */
const FRAME_BYTES = 400;
const METADATA_BYTES_MAX = 4 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has to escape these characters
const ESCAPED = /["\\\u0000-\u001f]/;

export type Appended = Extract<AppendResult, { ok: true }>;

/** Makes the record of a message that store has just appended. */
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

type Addressed = { eventId: EventId; userIds: readonly UserId[]; record: MessageRecord };

/**
 * Makes the `message` event, with the same bytes for all users. Users who cannot see the message
 * that it replies to get it without `reply_to`, as if that message did not exist.
 */
export function messageDelivery(
  { eventId, userIds, record }: Addressed,
  withoutPreview: readonly UserId[] = [],
): Delivery {
  const common = encodeMessageEvent(eventId, record);
  if (withoutPreview.length === 0 || record.reply_to === undefined) {
    return { eventId, userIds, payload: common };
  }
  const { reply_to: _hidden, ...rest } = record;
  const bare = encodeMessageEvent(eventId, rest);
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of userIds) {
    payload.set(userId, withoutPreview.includes(userId) ? bare : common);
  }
  return { eventId, userIds, payload };
}

/** Encodes the `message` event as a queue holds it. */
function encodeMessageEvent(eventId: EventId, record: MessageRecord): Uint8Array {
  const header = {
    kind: 'message' as const,
    eventId,
    conversationId: record.conversation_id,
    seq: record.seq,
    senderId: record.sender_id,
    isNameless: namesPeople(record),
  };
  return encodeDurableEvent(header, `{"type":"message",${JSON.stringify(record).slice(1)}`);
}

/** Returns an upper bound, in bytes, of a send's size in an append, without making its JSON. */
export function sizeOf(input: MessageInput): number {
  const { content, metadata } = input;
  const text = ESCAPED.test(content) ? JSON.stringify(content) : content;
  return Buffer.byteLength(text) + FRAME_BYTES + (metadata === undefined ? 0 : METADATA_BYTES_MAX);
}
