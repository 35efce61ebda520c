import Type, { type Static } from 'typebox';
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

/** What clients ask about messages. An unknown field is an error. */

const closed = { additionalProperties: false };

export const SendRequest = Type.Object(
  {
    client_msg_id: ClientMsgIdField,
    conversation_id: ConversationIdField,
    content: ContentField,
    message_type: Type.Optional(MessageTypeField),
    metadata: Type.Optional(MetadataField),
    reply_to: Type.Optional(MessageIdField),
  },
  closed,
);
export type SendRequest = Static<typeof SendRequest>;

/** The schema cannot limit the size that metadata has as JSON. */
export function metadataProblem({ metadata }: SendRequest): string | undefined {
  if (metadata === undefined) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes <= LIMITS.metadataBytesMax
    ? undefined
    : `metadata: must not be larger than ${LIMITS.metadataBytesMax} bytes as JSON`;
}

/** Names one message. */
export const MessageRequest = Type.Object({ message_id: MessageIdField }, closed);

export const EditRequest = Type.Object(
  { message_id: MessageIdField, content: ContentField },
  closed,
);

/** Sets a reaction, or takes it back. */
export const ReactRequest = Type.Object(
  { message_id: MessageIdField, emoji: EmojiField, remove: Type.Optional(Type.Boolean()) },
  closed,
);

/** The read position shall rise to a message, which one of the two last fields names. */
export const ReadRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    seq: Type.Optional(SeqField),
    message_id: Type.Optional(MessageIdField),
  },
  closed,
);
export type ReadRequest = Static<typeof ReadRequest>;

/** The schema cannot say that exactly one of the two fields must be there. */
export function readProblem({ seq, message_id }: ReadRequest): string | undefined {
  if ((seq === undefined) === (message_id === undefined)) {
    return 'one of seq and message_id must be given';
  }
  return undefined;
}

/** Names a page of a conversation's messages. */
export const HistoryRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    before_seq: Type.Optional(SeqField),
    after_seq: Type.Optional(SeqField),
    since: Type.Optional(TimeField),
    limit: Type.Optional(PageLimitField),
  },
  closed,
);
export type HistoryRequest = Static<typeof HistoryRequest>;

/** The schema cannot say that a client pages in one way only, nor that a time exists. */
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
