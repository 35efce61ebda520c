import type {
  ConversationRecord,
  ParticipantRecord,
} from '../../../shared/contracts/conversations.ts';
import type { LastMessage } from '../../../shared/contracts/messages.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type {
  ConversationRow,
  LastMessageRow,
  LoadedConversation,
  ParticipantRow,
} from './conversation-rows.ts';
import { type UnreadCounts, unreadAtMost } from './count-unread.ts';
import { openContent, openSaid } from './message-row.ts';
import { present } from './present.ts';

type Showing = {
  cipher: ContentCipher;
  /** This time decides whether a mute has run out. */
  nowMs: number;
  /** Without these counts, every message above the viewer's position is unread. */
  unread?: UnreadCounts;
};

/** The record shows a conversation as one of its participants sees it; others get undefined. */
export function toConversationRecord(
  loaded: LoadedConversation,
  viewerId: UserId,
  { cipher, nowMs, unread }: Showing,
): ConversationRecord | undefined {
  const viewer = loaded.participants.find(({ user_id }) => user_id === viewerId);
  if (viewer === undefined) return undefined;
  const record = toReaderRecord(loaded, cipher, viewer.first_visible_seq);
  record.last_read_seq = viewer.read_seq;
  record.unread = unread?.get(record.conversation_id) ?? unreadAtMost(loaded.conversation, viewer);
  record.is_muted = isMuted(viewer, nowMs);
  if (record.is_muted && viewer.muted_until !== null) record.muted_until = viewer.muted_until;
  return Object.assign(record, present(viewer, ['archived_at']));
}

/** The record shows a conversation to somebody who reads it without taking part. */
export function toReaderRecord(
  { conversation, participants, lastMessage }: LoadedConversation,
  cipher: ContentCipher,
  firstVisibleSeq = 1,
): ConversationRecord {
  const first_seq = Math.max(conversation.first_seq, firstVisibleSeq);
  const record: ConversationRecord = {
    conversation_id: conversation.conversation_id,
    type: conversation.type,
    version: conversation.version,
    first_seq,
    last_seq: conversation.last_seq,
    created_at: conversation.created_at,
    last_activity: conversation.last_activity,
    participants: [...participants.map(toParticipantRecord), ...businessOf(conversation)],
    ...present(conversation, ['title', 'description', 'avatar_url', 'business_id']),
    ...present(conversation, ['state', 'assignee_id', 'waiting_since', 'closed_at']),
  };
  const visible = lastMessage !== undefined && lastMessage.seq >= first_seq;
  if (visible) record.last_message = toLastMessage(lastMessage, cipher);
  return record;
}

/**
 * A business takes part in its conversations without being one of the people in them. Only this
 * function says so. The table of participants has people alone, so the audience of an event,
 * positions, presence, contacts and limits need no exception for a business.
 */
function businessOf({ type, business_id, created_at }: ConversationRow): ParticipantRecord[] {
  if (type !== 'business' || business_id === null) return [];
  const user_id: string = business_id;
  return [{ user_id: user_id as UserId, role: 'business', joined_at: created_at }];
}

function toParticipantRecord(row: ParticipantRow): ParticipantRecord {
  const { user_id, role, joined_at, delivered_seq, read_seq } = row;
  const positions = present(row, ['delivered_at', 'read_at']);
  return { user_id, role, joined_at, delivered_seq, read_seq, ...positions };
}

function isMuted({ is_muted, muted_until }: ParticipantRow, nowMs: number): boolean {
  return is_muted && (muted_until === null || Date.parse(muted_until) > nowMs);
}

/** A text that cannot be read is shown as empty, as that of a deleted message is. */
function toLastMessage(row: LastMessageRow, cipher: ContentCipher): LastMessage {
  const { message_id, seq, sender_id, message_type, sent_at } = row;
  const content = row.deleted_at === null ? openContent(row, cipher.tryDecrypt) : '';
  const shown = { message_id, seq, sender_id, content: content ?? '', message_type, sent_at };
  return { ...shown, ...openSaid(row, cipher) };
}
