import Type, { type Static } from 'typebox';
import { NOBODY } from '../ids.ts';
import { described } from './described.ts';
import { LIMITS } from './limits.ts';
import {
  BusinessIdField,
  ClientMsgIdField,
  ContentField,
  ConversationIdField,
  MessageIdField,
  MessageTypeField,
  MetadataField,
  NextCursorField,
  SeqField,
  UserIdField,
} from './scalars.ts';

/**
 * The server shows things to clients in these shapes. Later versions may add fields, so clients
 * must ignore fields that they do not know.
 */

const text = (description: string) => Type.String({ description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const ShownMessageType = Type.Union([MessageTypeField, Type.Literal('system')], {
  description: 'A `system` message says what somebody did. `metadata.event` names it.',
});
const MessageVersion = count(
  'The version rises with each change, and is first 1. Ignore what is not higher than yours.',
);

const deliveredSeq = described(SeqField, 'The user has received all messages up to this number.');
const readSeq = described(SeqField, 'The user has read all messages up to this number.');
/** A business takes part without positions. */
export const positionFields = {
  delivered_seq: Type.Optional(deliveredSeq),
  delivered_at: Type.Optional(text('The delivered position rose last at this time.')),
  read_seq: Type.Optional(readSeq),
  read_at: Type.Optional(text('The read position rose last at this time.')),
};

export const ParticipantShape = Type.Object({
  user_id: described(UserIdField, 'This user takes part. A business takes part by its own id.'),
  role: Type.Union(
    [
      Type.Literal('customer'),
      Type.Literal('agent'),
      Type.Literal('business'),
      Type.Literal('member'),
      Type.Literal('admin'),
    ],
    { description: 'People are members or admins, and in a business conversation the others.' },
  ),
  joined_at: text('The user takes part since then.'),
  name: text('People know the user by this name.'),
  avatar_url: Type.Optional(text('The picture of the user is at this address.')),
  ...positionFields,
});
export type ParticipantShape = Static<typeof ParticipantShape>;

const SenderId = described(
  UserIdField,
  `This user wrote the message. A person who was erased is ${NOBODY}, a Deleted User.`,
);
const SentAt = text('The message was sent then.');

export const LastMessageShape = Type.Object({
  message_id: MessageIdField,
  seq: SeqField,
  sender_id: SenderId,
  content: text('The message has this text. It is empty if it was deleted or cannot be read now.'),
  message_type: ShownMessageType,
  sent_at: SentAt,
});
export type LastMessageShape = Static<typeof LastMessageShape>;

const BusinessState = Type.Union(
  [Type.Literal('waiting'), Type.Literal('assigned'), Type.Literal('closed')],
  { description: 'A business conversation waits for an agent, has one, or is closed.' },
);
export type BusinessState = Static<typeof BusinessState>;

export const ConversationShape = Type.Object({
  conversation_id: ConversationIdField,
  type: Type.Union([Type.Literal('direct'), Type.Literal('group'), Type.Literal('business')], {
    description: 'Two people, a group, or a customer and a business talk here.',
  }),
  name: text('Apps show this name: of the other person, the group or the business.'),
  avatar_url: Type.Optional(text('The picture of the conversation is at this address.')),
  title: Type.Optional(text('The group was given this title.')),
  description: Type.Optional(text('The group describes itself so.')),
  business_id: Type.Optional(BusinessIdField),
  state: Type.Optional(BusinessState),
  assignee_id: Type.Optional(described(UserIdField, 'This agent has the conversation.')),
  waiting_since: Type.Optional(
    text('The conversation has waited since then; only what is `waiting` now has this field.'),
  ),
  closed_at: Type.Optional(text('The conversation was closed then.')),
  participants: Type.Array(ParticipantShape, { description: 'These take part now.' }),
  last_message: Type.Optional(
    described(LastMessageShape, 'This is the newest message that the reader sees.'),
  ),
  version: count('The version rises with each change. Ignore what is not higher than yours.'),
  first_seq: described(SeqField, 'The oldest message that the reader sees has this number.'),
  last_seq: described(SeqField, 'The newest message has this number. It is 0 where there is none.'),
  /** Somebody who reads without taking part gets none of the next three. */
  last_read_seq: Type.Optional(
    described(SeqField, 'The reader has read all messages up to this number.'),
  ),
  unread: Type.Optional(count('The reader has not read so many messages.')),
  is_muted: Type.Optional(Type.Boolean({ description: 'The reader has muted the conversation.' })),
  muted_until: Type.Optional(text('The mute ends then.')),
  archived_at: Type.Optional(text('The reader archived the conversation then.')),
  created_at: text('The conversation was made then.'),
  last_activity: text('Lists are ordered by this time, the newest first.'),
});
export type ConversationShape = Static<typeof ConversationShape>;

export const ReplyPreviewShape = Type.Object({
  message_id: MessageIdField,
  sender_id: SenderId,
  message_type: ShownMessageType,
  content: text('The message begins so. It is empty if it was deleted or cannot be read now.'),
  deleted: Type.Optional(Type.Literal(true, { description: 'The message was deleted.' })),
});
export type ReplyPreviewShape = Static<typeof ReplyPreviewShape>;

const EditedAt = Type.Optional(text('The text was changed last at this time.'));
const DeletedAt = Type.Optional(text('The message was deleted then, and has no content any more.'));

const ShownContent = Type.Optional(
  described(
    ContentField,
    'The message has this text. It is absent if the message was deleted, or cannot be read now.',
  ),
);

/**
 * The event `message` has these fields. It has `edited_at` in a replay, and `deleted_at` if it
 * comes after the message was deleted.
 */
export const messageEventFields = {
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  seq: SeqField,
  sender_id: SenderId,
  client_msg_id: Type.Optional(
    described(ClientMsgIdField, 'The sending client made this id, and knows its message by it.'),
  ),
  version: MessageVersion,
  content: ShownContent,
  message_type: ShownMessageType,
  metadata: Type.Optional(MetadataField),
  reply_to: Type.Optional(described(ReplyPreviewShape, 'The message replies to this one.')),
  sent_at: SentAt,
  edited_at: EditedAt,
  deleted_at: DeletedAt,
};

export const ReactionShape = Type.Object({
  emoji: text('People react with this emoji.'),
  count: count('So many people react with it.'),
  mine: Type.Boolean({ description: 'The reader is one of them.' }),
});
export type ReactionShape = Static<typeof ReactionShape>;

const Reactions = Type.Array(ReactionShape, {
  description: 'The message has these reactions, one for each emoji.',
});

/**
 * The event `message_updated` has these fields. It tells all of a message that can change, as it is
 * by then. So a client that gets only the newest of several updates misses nothing. The update of a
 * deleted message has `deleted_at`, but no content, no `edited_at` and no reactions.
 */
export const messageUpdatedFields = {
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  seq: SeqField,
  version: MessageVersion,
  change: Type.Union([Type.Literal('edited'), Type.Literal('deleted'), Type.Literal('reactions')], {
    description: 'The message was changed so. The event tells all that can change, as it is now.',
  }),
  content: ShownContent,
  edited_at: EditedAt,
  deleted_at: DeletedAt,
  reactions: Type.Optional(Reactions),
};

/** `react` is answered with this shape. */
export const ReactionsShape = Type.Object({ reactions: Reactions });
export type ReactionsShape = Static<typeof ReactionsShape>;

/** History shows a message to one user in this shape. */
export const MessageShape = Type.Object({
  ...messageEventFields,
  reactions: Reactions,
  status: Type.Optional(
    Type.Union([Type.Literal('sent'), Type.Literal('delivered'), Type.Literal('read')], {
      description: "All others have received or read the reader's own message.",
    }),
  ),
});
export type MessageShape = Static<typeof MessageShape>;

/** `message` is answered with this shape. */
export const MessageSentShape = Type.Object({
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  client_msg_id: ClientMsgIdField,
  seq: SeqField,
  sent_at: SentAt,
  duplicate: Type.Optional(
    Type.Literal(true, {
      description: 'The message was sent before, and has these values.',
    }),
  ),
});
export type MessageSentShape = Static<typeof MessageSentShape>;

export const ReceiptShape = Type.Object({
  user_id: described(UserIdField, 'These are the positions of this user.'),
  ...positionFields,
  delivered_seq: deliveredSeq,
  read_seq: readSeq,
});
export type ReceiptShape = Static<typeof ReceiptShape>;

/** `history` is answered with this shape. */
export const HistoryShape = Type.Object({
  messages: Type.Array(MessageShape, {
    description: `They ascend by \`seq\`, and have at most ${LIMITS.pageBytesMax} bytes as JSON.`,
  }),
  has_more: Type.Boolean({ description: 'There are more messages in the direction of the page.' }),
  first_seq: described(SeqField, 'The oldest message that the reader sees has this number.'),
  receipts: Type.Array(ReceiptShape, { description: 'The participants have these positions.' }),
});
export type HistoryShape = Static<typeof HistoryShape>;

/** `read` is answered with this shape, which tells the caller's read position. */
export const ReadShape = Type.Object({
  last_read_seq: described(SeqField, 'The caller has read all messages up to this number.'),
});
export type ReadShape = Static<typeof ReadShape>;

/** An operation that has nothing to tell is answered with this shape. */
export const EmptyShape = Type.Object({});
export type EmptyShape = Static<typeof EmptyShape>;

/** `conversations` is answered with this shape. */
export const ConversationsShape = Type.Object({
  conversations: Type.Array(ConversationShape, { description: 'The page has these.' }),
  next_cursor: NextCursorField,
});
export type ConversationsShape = Static<typeof ConversationsShape>;

export const ErrorShape = Type.Object({
  code: text('Programs look at this code. The table of errors lists them.'),
  message: text('Developers read this text, which may change.'),
  details: Type.Optional(
    Type.Unknown({ description: 'Some errors tell more, such as `problems` or what holds now.' }),
  ),
  retry_after: Type.Optional(
    Type.Number({ description: 'The client may ask again after so many seconds.' }),
  ),
});
export type ErrorShape = Static<typeof ErrorShape>;
