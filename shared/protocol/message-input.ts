import Type, { type Static, type TObject } from 'typebox';
import { LIMITS } from './limits.ts';
import {
  ClientMsgIdField,
  ContentField,
  ConversationIdField,
  MessageIdField,
  MessageTypeField,
  MetadataField,
} from './scalars.ts';

const content = {
  content: ContentField,
  message_type: Type.Optional(MessageTypeField),
  metadata: Type.Optional(MetadataField),
  reply_to: Type.Optional(MessageIdField),
};

/** Fields of the frame `message`. */
export const messageFields = {
  client_msg_id: ClientMsgIdField,
  conversation_id: ConversationIdField,
  ...content,
};
export type MessageFields = Static<TObject<typeof messageFields>>;

/** Body of `POST /conversations/{id}/messages`; the key may come as `Idempotency-Key` instead. */
export const MessageBody = Type.Object(
  { client_msg_id: Type.Optional(ClientMsgIdField), ...content },
  { additionalProperties: false },
);
export type MessageBody = Static<typeof MessageBody>;

/** What an edit changes. */
export const editFields = { content: ContentField };
/** Body of `PATCH /messages/{id}`. */
export const EditBody = Type.Object(editFields, { additionalProperties: false });
export type EditBody = Static<typeof EditBody>;

/** What no schema can say of metadata: its size as JSON. */
export function metadataProblem(metadata: object | undefined): string | undefined {
  if (metadata === undefined) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes <= LIMITS.metadataBytesMax
    ? undefined
    : `metadata: must not be larger than ${LIMITS.metadataBytesMax} bytes as JSON`;
}
