import type { WireError } from '../errors.ts';
import type { ConversationId, MessageId, UserId } from '../ids.ts';

/** Positions say what was delivered to users, and how far they have read. */

/** An edge reports a delivered position to a router as [conversation, user, seq, epoch ms]. */
export type DeliveredItem = [ConversationId, UserId, number, number];

/**
 * A read says up to which message a user has read. A `seq` above the last message means the last.
 */
export type ReadInput = { user_id: UserId; conversation_id: ConversationId } & (
  | { seq: number; message_id?: undefined }
  | { message_id: MessageId; seq?: undefined }
);

/** The reply tells the position of the user once the read is committed. */
export type ReadReply = {
  /** This is the version of the conversation. */
  version: number;
  last_read_seq: number;
  /** This is how many messages above the position the user can see. */
  unread: number;
  /** This field is there if this read, or a read in the last 10 s, has raised the position. */
  raised?: { read_at: string; delivered_seq: number; delivered_at: string };
};
/** Store judges each read for itself. */
export type ReadResult = ({ ok: true } & ReadReply) | { ok: false; error: WireError };
/** Each pair names a participant, and the `seq` up to which messages were delivered to them. */
export type ConversationPositions = {
  conversation_id: ConversationId;
  version: number;
  positions: [UserId, number][];
};

/**
 * A router hands a position to store as [conversation, user, kind, seq, epoch ms]. A batch holds at
 * most 1000 items.
 */
export type PositionItem = [ConversationId, UserId, 'delivered' | 'read', number, number];
export type PositionBatch = { items: PositionItem[] };
