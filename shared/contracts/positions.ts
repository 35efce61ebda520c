import type { WireError } from '../errors.ts';
import type { ConversationId, MessageId, UserId } from '../ids.ts';

/** Bodies about positions: what was delivered, and how far users have read. */

/** [conversation, user, seq, epoch ms] */
export type DeliveredItem = [ConversationId, UserId, number, number];

/** Read up to a message; above the last one is the last one. */
export type ReadInput = { user_id: UserId; conversation_id: ConversationId } & (
  | { seq: number; message_id?: undefined }
  | { message_id: MessageId; seq?: undefined }
);

/** Where the user stands once the read is committed. */
export type ReadReply = {
  /** Of the conversation. */
  version: number;
  last_read_seq: number;
  /** Visible messages above it. */
  unread: number;
  /** Only where this read has raised the position, or one in the last 10 s. */
  raised?: { read_at: string; delivered_seq: number; delivered_at: string };
};
/** Each judged for itself. */
export type ReadResult = ({ ok: true } & ReadReply) | { ok: false; error: WireError };
/** Who takes part, and what each has had delivered. */
export type ConversationPositions = {
  conversation_id: ConversationId;
  version: number;
  positions: [UserId, number][];
};

/** [conversation, user, kind, seq, epoch ms]; ≤ 1000 a message. */
export type ReceiptItem = [ConversationId, UserId, 'delivered' | 'read', number, number];
export type ReceiptBatch = { items: ReceiptItem[] };
