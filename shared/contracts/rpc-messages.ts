import type { ConversationId, MessageId, UserId } from '../ids.ts';
import type { SystemSaid } from '../protocol/system-content.ts';

/** Messages as services hand them on. */

export type MessageType = 'text' | 'image' | 'file' | 'voice';

/** Names are not store's: who answers a client makes `content` of `said` and takes that out. */
type Said = { said?: SystemSaid };

export type LastMessage = {
  message_id: MessageId;
  seq: number;
  sender_id: UserId;
  content: string;
  message_type: MessageType | 'system';
  sent_at: string;
} & Said;
export type ReplyPreview = {
  message_id: MessageId;
  sender_id: UserId;
  message_type: MessageType | 'system';
  content: string;
  deleted?: true;
} & Said;
/** A message as the event carries it; the last two only where one was changed since. */
export type MessageRecord = {
  message_id: MessageId;
  conversation_id: ConversationId;
  seq: number;
  sender_id: UserId;
  client_msg_id?: string;
  version: number;
  content?: string;
  message_type: MessageType | 'system';
  metadata?: Record<string, unknown>;
  reply_to?: ReplyPreview;
  sent_at: string;
  edited_at?: string;
  deleted_at?: string;
};
export type Reaction = { emoji: string; count: number; mine: boolean };
/** A message as history shows it to one user. */
export type HistoryMessage = MessageRecord & {
  reactions: Reaction[];
  status?: 'sent' | 'delivered' | 'read';
};
