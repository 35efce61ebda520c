import Type, { type Static } from 'typebox';
import { AgentRoleField } from './business-requests.ts';
import { described } from './described.ts';
import { DeviceShape } from './devices/device-shapes.ts';
import { LIMITS } from './limits.ts';
import {
  BusinessIdField,
  ClientMsgIdField,
  ContentField,
  ConversationIdField,
  CursorField,
  MessageIdField,
  MetadataField,
  NextCursorField,
  SeqField,
  UserIdField,
} from './scalars.ts';
import { ConversationShape, MessageShape, ParticipantShape } from './shapes.ts';

/** A service asks for what a person wrote, and is answered in these shapes. */

const text = (description: string) => Type.String({ description });

/** This request names a page of what a person wrote. */
export const ExportRequest = Type.Object(
  {
    user_id: described(UserIdField, 'The id names the person.'),
    cursor: Type.Optional(CursorField),
  },
  { additionalProperties: false },
);
export type ExportRequest = Static<typeof ExportRequest>;

const ExportedAgent = Type.Object({
  kind: Type.Literal('agent', { description: 'The person is an agent of a business.' }),
  business_id: BusinessIdField,
  role: AgentRoleField,
  created_at: text('The person became an agent then.'),
});

const ExportedConversation = Type.Object({
  kind: Type.Literal('conversation', {
    description: 'The person takes part in a conversation, or did. What they wrote in it follows.',
  }),
  conversation_id: ConversationIdField,
  type: ConversationShape.properties.type,
  role: ParticipantShape.properties.role,
  business_id: Type.Optional(BusinessIdField),
  joined_at: text('The person joined then.'),
  left_at: Type.Optional(text('The person left then.')),
  title: Type.Optional(text('The group has this title. Who has left is not told of it.')),
  description: Type.Optional(text('The group describes itself so, likewise.')),
});

const Content = Type.Optional(
  described(ContentField, 'The text is absent where it was deleted, or cannot be read now.'),
);
const Metadata = Type.Optional(MetadataField);

const ExportedMessage = Type.Object({
  kind: Type.Literal('message', {
    description: 'The person wrote a message. Its earlier texts follow, the oldest first.',
  }),
  message_id: MessageIdField,
  conversation_id: ConversationIdField,
  seq: SeqField,
  client_msg_id: Type.Optional(ClientMsgIdField),
  message_type: MessageShape.properties.message_type,
  content: Content,
  metadata: Metadata,
  reply_to: Type.Optional(described(MessageIdField, 'The message replies to this one.')),
  sent_at: text('The message was sent then.'),
  edited_at: Type.Optional(text('The text was changed last at this time.')),
  deleted_at: Type.Optional(text('The message was deleted then.')),
});

const ExportedRevision = Type.Object({
  kind: Type.Literal('revision', {
    description: 'A message of the person had this text before it was edited or deleted.',
  }),
  message_id: MessageIdField,
  version: Type.Integer({ minimum: 1, description: 'This version of the message had the text.' }),
  content: Content,
  metadata: Metadata,
  replaced_at: text('The text was replaced or deleted then.'),
});

const ExportedReaction = Type.Object({
  kind: Type.Literal('reaction', { description: 'The person reacted to a message.' }),
  message_id: MessageIdField,
  emoji: text('The person reacted with this emoji.'),
  reacted_at: text('The person reacted then.'),
});

const { is_connected: _now, ...ofDevice } = DeviceShape.properties;
const ExportedDevice = Type.Object({
  kind: Type.Literal('device', { description: 'The person uses a device, or gets pushes there.' }),
  ...ofDevice,
});

export const ExportItem = Type.Union(
  [
    ExportedAgent,
    ExportedConversation,
    ExportedMessage,
    ExportedRevision,
    ExportedReaction,
    ExportedDevice,
  ],
  { description: 'An item is of one of these kinds. Other kinds may come.' },
);
export type ExportItem = Static<typeof ExportItem>;

export const ExportShape = Type.Object({
  items: Type.Array(ExportItem, {
    description:
      `The page has at most ${LIMITS.pageBytesMax} bytes as JSON. One without items can have a ` +
      'next page.',
  }),
  next_cursor: NextCursorField,
});
export type ExportShape = Static<typeof ExportShape>;
