import type { WireError } from '../errors.ts';
import type { ConversationId, MessageId, UserId } from '../ids.ts';

/** Positions say what was delivered to users, and how far they have read. */

/** The number after `seq` is a time in epoch ms. */
export type DeliveredItem = [ConversationId, UserId, number, number];

/** A user has read up to a message. A `seq` above the last message means the last one. */
export type ReadInput = { user_id: UserId; conversation_id: ConversationId } & (
  | { seq: number; message_id?: undefined }
  | { message_id: MessageId; seq?: undefined }
);

/** The user stands here once the read is committed. */
export type ReadReply = {
  /** This is the version of the conversation. */
  version: number;
  last_read_seq: number;
  /** So many messages above the position are visible to the user. */
  unread: number;
  /** Present if this read has raised the position, or a read in the last 10 s has. */
  raised?: { read_at: string; delivered_seq: number; delivered_at: string };
};
/** Store judges each read for itself. */
export type ReadResult = ({ ok: true } & ReadReply) | { ok: false; error: WireError };
/** A pair tells up to which `seq` the messages were delivered to a participant. */
export type ConversationPositions = {
  conversation_id: ConversationId;
  version: number;
  positions: [UserId, number][];
};

/** The number after `seq` is a time in epoch ms. A message holds at most 1000 items. */
export type ReceiptItem = [ConversationId, UserId, 'delivered' | 'read', number, number];
export type ReceiptBatch = { items: ReceiptItem[] };
