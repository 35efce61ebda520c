import Type, { type Static, type TProperties } from 'typebox';
import { ConversationInputBody } from './conversation-input.ts';
import { EmojiField } from './emoji.ts';
import { LIMITS } from './limits.ts';
import { editFields, messageFields } from './message-input.ts';
import { conversationsFields, historyFields } from './page-queries.ts';
import { presenceFields } from './presence.ts';
import {
  ConversationIdField,
  DeviceIdField,
  MessageIdField,
  RequestIdField,
  SeqField,
} from './scalars.ts';

/** What a client may send over the socket. Unknown fields are an error. */

function frame<Name extends string, Fields extends TProperties>(name: Name, fields: Fields) {
  return Type.Object(
    { type: Type.Literal(name), id: Type.Optional(RequestIdField), ...fields },
    { additionalProperties: false, $id: `client.${name}` },
  );
}

export const AuthFrame = frame('auth', {
  token: Type.String({ minLength: 1, maxLength: LIMITS.tokenCharactersMax }),
  device_id: Type.Optional(DeviceIdField),
  resync: Type.Optional(Type.Boolean()),
});
export type AuthFrame = Static<typeof AuthFrame>;

export const MessageFrame = frame('message', messageFields);
export type MessageFrame = Static<typeof MessageFrame>;

export const EditFrame = frame('edit', { message_id: MessageIdField, ...editFields });
export type EditFrame = Static<typeof EditFrame>;

export const DeleteFrame = frame('delete', { message_id: MessageIdField });
export type DeleteFrame = Static<typeof DeleteFrame>;

/** Sets a reaction, or takes it back. */
export const ReactFrame = frame('react', {
  message_id: MessageIdField,
  emoji: EmojiField,
  remove: Type.Optional(Type.Boolean()),
});
export type ReactFrame = Static<typeof ReactFrame>;

/** Cumulative: all up to `q`. */
export const AckFrame = frame('ack', { q: SeqField });
export type AckFrame = Static<typeof AckFrame>;

/** Up to a message, named by one of the two. */
export const ReadFrame = frame('read', {
  conversation_id: ConversationIdField,
  seq: Type.Optional(SeqField),
  message_id: Type.Optional(MessageIdField),
});
export type ReadFrame = Static<typeof ReadFrame>;

/** What the schema cannot say. */
export function readProblem({ seq, message_id }: ReadFrame): string | undefined {
  if ((seq === undefined) === (message_id === undefined)) {
    return 'one of seq and message_id must be given';
  }
  return undefined;
}

export const TypingFrame = frame('typing', {
  conversation_id: ConversationIdField,
  is_typing: Type.Boolean(),
});
export type TypingFrame = Static<typeof TypingFrame>;

export const PresenceWatchFrame = frame('presence_watch', presenceFields);
export type PresenceWatchFrame = Static<typeof PresenceWatchFrame>;

export const PresenceUnwatchFrame = frame('presence_unwatch', presenceFields);
export type PresenceUnwatchFrame = Static<typeof PresenceUnwatchFrame>;

export const PingFrame = frame('ping', {});
export type PingFrame = Static<typeof PingFrame>;

export const HistoryFrame = frame('history', {
  conversation_id: ConversationIdField,
  ...historyFields,
});
export type HistoryFrame = Static<typeof HistoryFrame>;

export const ConversationsFrame = frame('conversations', conversationsFields);
export type ConversationsFrame = Static<typeof ConversationsFrame>;

export const CreateConversationFrame = frame('create_conversation', {
  conversation: ConversationInputBody,
});
export type CreateConversationFrame = Static<typeof CreateConversationFrame>;
