import Type, { type Static } from 'typebox';
import { described } from './described.ts';
import { EmojiField } from './emoji.ts';
import { LIMITS } from './limits.ts';
import {
  ClientMsgIdField,
  ContentField,
  ConversationIdField,
  MessageIdField,
  MessageTypeField,
  MetadataField,
  PageLimitField,
  readTime,
  SeqField,
  TimeField,
} from './scalars.ts';

/** These are the requests of clients about messages. An unknown field is an error. */

const closed = { additionalProperties: false };

export const SendRequest = Type.Object(
  {
    client_msg_id: ClientMsgIdField,
    conversation_id: ConversationIdField,
    content: ContentField,
    message_type: Type.Optional(MessageTypeField),
    metadata: Type.Optional(MetadataField),
    reply_to: Type.Optional(
      described(MessageIdField, 'The message replies to this one of the same conversation.'),
    ),
  },
  closed,
);
export type SendRequest = Static<typeof SendRequest>;

/** The schema cannot limit the size of metadata as JSON. */
export function metadataProblem({ metadata }: SendRequest): string | undefined {
  if (metadata === undefined) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes <= LIMITS.metadataBytesMax
    ? undefined
    : `metadata: must not be larger than ${LIMITS.metadataBytesMax} bytes as JSON`;
}

/** This request names one message. */
export const MessageRequest = Type.Object({ message_id: MessageIdField }, closed);
export type MessageRequest = Static<typeof MessageRequest>;

export const EditRequest = Type.Object(
  {
    message_id: MessageIdField,
    content: described(ContentField, 'The message has this text from now on.'),
  },
  closed,
);
export type EditRequest = Static<typeof EditRequest>;

/** This request sets a reaction, or with `remove` takes it back. */
export const ReactRequest = Type.Object(
  {
    message_id: MessageIdField,
    emoji: EmojiField,
    remove: Type.Optional(
      Type.Boolean({ description: 'The reaction is taken back. The default is false.' }),
    ),
  },
  closed,
);
export type ReactRequest = Static<typeof ReactRequest>;

/**
 * This request raises the caller's read position to a message. Exactly one of `seq` and
 * `message_id` names the message.
 */
export const ReadRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    seq: Type.Optional(
      described(
        SeqField,
        'The caller has read up to this number. Beyond the last, it is the last.',
      ),
    ),
    message_id: Type.Optional(
      described(MessageIdField, 'The caller has read up to this message. It replaces `seq`.'),
    ),
  },
  closed,
);
export type ReadRequest = Static<typeof ReadRequest>;

/** The schema cannot say that exactly one of `seq` and `message_id` must be there. */
export function readProblem({ seq, message_id }: ReadRequest): string | undefined {
  if ((seq === undefined) === (message_id === undefined)) {
    return 'one of seq and message_id must be given';
  }
  return undefined;
}

/** This request names a page of a conversation's messages. */
export const HistoryRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    before_seq: Type.Optional(
      described(SeqField, 'The page ends below this number. Without any bound, it has the latest.'),
    ),
    after_seq: Type.Optional(
      described(SeqField, 'The page begins above this number, and goes upwards.'),
    ),
    since: Type.Optional(described(TimeField, 'The page begins at this time, and goes upwards.')),
    limit: Type.Optional(PageLimitField),
  },
  closed,
);
export type HistoryRequest = Static<typeof HistoryRequest>;

/**
 * The schema cannot say that only one of `before_seq`, `after_seq` and `since` may be there. Nor
 * can it say that a time must exist in the calendar.
 */
export function historyProblem(request: HistoryRequest): string | undefined {
  const ways = [request.before_seq, request.after_seq, request.since];
  if (ways.filter((way) => way !== undefined).length > 1) {
    return 'only one of before_seq, after_seq and since may be given';
  }
  if (request.since !== undefined && readTime(request.since) === undefined) {
    return 'since: is not a time';
  }
  return undefined;
}
