import Type, { type Static } from 'typebox';
import {
  BusinessIdField,
  ClientMsgIdField,
  ContentField,
  ConversationIdField,
  MessageIdField,
  MessageTypeField,
  MetadataField,
  SeqField,
  UserIdField,
} from './scalars.ts';

/**
 * The server shows things to clients in these shapes. Later versions may add fields, so clients
 * must ignore fields that they do not know.
 */

const Time = Type.String({ description: 'ISO 8601 UTC with milliseconds' });
const Count = Type.Integer({ minimum: 0 });
const ShownMessageType = Type.Union([MessageTypeField, Type.Literal('system')]);

export const ParticipantShape = Type.Object({
  user_id: UserIdField,
  role: Type.Union([
    Type.Literal('customer'),
    Type.Literal('agent'),
    Type.Literal('business'),
    Type.Literal('member'),
    Type.Literal('admin'),
  ]),
  joined_at: Time,
  name: Type.String(),
  avatar_url: Type.Optional(Type.String()),
  /** A business takes part without positions. */
  delivered_seq: Type.Optional(SeqField),
  delivered_at: Type.Optional(Time),
  read_seq: Type.Optional(SeqField),
  read_at: Type.Optional(Time),
});
export type ParticipantShape = Static<typeof ParticipantShape>;

export const LastMessageShape = Type.Object({
  message_id: MessageIdField,
  seq: SeqField,
  sender_id: UserIdField,
  content: Type.String(),
  message_type: ShownMessageType,
  sent_at: Time,
});
export type LastMessageShape = Static<typeof LastMessageShape>;

const BusinessState = Type.Union([
  Type.Literal('waiting'),
  Type.Literal('assigned'),
  Type.Literal('closed'),
]);
export type BusinessState = Static<typeof BusinessState>;

export const ConversationShape = Type.Object({
  conversation_id: ConversationIdField,
  type: Type.Union([Type.Literal('direct'), Type.Literal('group'), Type.Literal('business')]),
  name: Type.String(),
  avatar_url: Type.Optional(Type.String()),
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  business_id: Type.Optional(BusinessIdField),
  state: Type.Optional(BusinessState),
  assignee_id: Type.Optional(UserIdField),
  waiting_since: Type.Optional(Time),
  closed_at: Type.Optional(Time),
  participants: Type.Array(ParticipantShape),
  last_message: Type.Optional(LastMessageShape),
  version: Count,
  first_seq: SeqField,
  last_seq: SeqField,
  /** Somebody who reads without taking part gets none of the next three. */
  last_read_seq: Type.Optional(SeqField),
  unread: Type.Optional(Count),
  is_muted: Type.Optional(Type.Boolean()),
  muted_until: Type.Optional(Time),
  archived_at: Type.Optional(Time),
  created_at: Time,
  last_activity: Time,
});
export type ConversationShape = Static<typeof ConversationShape>;

export const ReplyPreviewShape = Type.Object({
  message_id: MessageIdField,
  sender_id: UserIdField,
  message_type: ShownMessageType,
  content: Type.String(),
  deleted: Type.Optional(Type.Literal(true)),
});
export type ReplyPreviewShape = Static<typeof ReplyPreviewShape>;

/**
 * The event `message` has these fields. It has `edited_at` in a replay, and `deleted_at` if it
 * comes after the message was deleted.
 */
export const messageEventFields = {
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  seq: SeqField,
  sender_id: UserIdField,
  client_msg_id: Type.Optional(ClientMsgIdField),
  version: Count,
  content: Type.Optional(ContentField),
  message_type: ShownMessageType,
  metadata: Type.Optional(MetadataField),
  reply_to: Type.Optional(ReplyPreviewShape),
  sent_at: Time,
  edited_at: Type.Optional(Time),
  deleted_at: Type.Optional(Time),
};

export const ReactionShape = Type.Object({
  emoji: Type.String(),
  count: Count,
  mine: Type.Boolean(),
});
export type ReactionShape = Static<typeof ReactionShape>;

/**
 * The event `message_updated` has these fields. It tells all of a message that can change, as it is
 * by then. So a client that gets only the newest of several updates misses nothing. The update of a
 * deleted message has `deleted_at`, but no content, no `edited_at` and no reactions.
 */
export const messageUpdatedFields = {
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  seq: SeqField,
  version: Count,
  change: Type.Union([Type.Literal('edited'), Type.Literal('deleted'), Type.Literal('reactions')]),
  content: Type.Optional(ContentField),
  edited_at: Type.Optional(Time),
  deleted_at: Type.Optional(Time),
  reactions: Type.Optional(Type.Array(ReactionShape)),
};

/** `react` is answered with this shape. */
export const ReactionsShape = Type.Object({ reactions: Type.Array(ReactionShape) });
export type ReactionsShape = Static<typeof ReactionsShape>;

/** History shows a message to one user in this shape. */
export const MessageShape = Type.Object({
  ...messageEventFields,
  reactions: Type.Array(ReactionShape),
  status: Type.Optional(
    Type.Union([Type.Literal('sent'), Type.Literal('delivered'), Type.Literal('read')]),
  ),
});
export type MessageShape = Static<typeof MessageShape>;

/** `message` is answered with this shape. */
export const MessageSentShape = Type.Object({
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  client_msg_id: ClientMsgIdField,
  seq: SeqField,
  sent_at: Time,
  duplicate: Type.Optional(Type.Literal(true)),
});
export type MessageSentShape = Static<typeof MessageSentShape>;

export const ReceiptShape = Type.Object({
  user_id: UserIdField,
  delivered_seq: SeqField,
  delivered_at: Type.Optional(Time),
  read_seq: SeqField,
  read_at: Type.Optional(Time),
});
export type ReceiptShape = Static<typeof ReceiptShape>;

/** `history` is answered with this shape. */
export const HistoryShape = Type.Object({
  messages: Type.Array(MessageShape),
  has_more: Type.Boolean(),
  first_seq: SeqField,
  receipts: Type.Array(ReceiptShape),
});
export type HistoryShape = Static<typeof HistoryShape>;

/** `read` is answered with this shape, which tells the caller's read position. */
export const ReadShape = Type.Object({ last_read_seq: SeqField });
export type ReadShape = Static<typeof ReadShape>;

/** An operation that has nothing to tell is answered with this shape. */
export const EmptyShape = Type.Object({});
export type EmptyShape = Static<typeof EmptyShape>;

/** `conversations` is answered with this shape. */
export const ConversationsShape = Type.Object({
  conversations: Type.Array(ConversationShape),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type ConversationsShape = Static<typeof ConversationsShape>;

export const ErrorShape = Type.Object({
  code: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Unknown()),
  retry_after: Type.Optional(Type.Number({ description: 'seconds' })),
});
export type ErrorShape = Static<typeof ErrorShape>;
