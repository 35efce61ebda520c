import Type from 'typebox';
import { EmojiField } from '../../../shared/protocol/emoji.ts';
import {
  ConversationIdField,
  MessageIdField,
  UserIdField,
} from '../../../shared/protocol/scalars.ts';

/** No parameters, or no query. */
export const Nothing = Type.Object({}, { additionalProperties: false });
export const ConversationParams = Type.Object({ conversation_id: ConversationIdField });
export const MessageParams = Type.Object({ message_id: MessageIdField });
/** Percent-encoded in the path. */
export const ReactionParams = Type.Object({ message_id: MessageIdField, emoji: EmojiField });
export const ParticipantParams = Type.Object({
  conversation_id: ConversationIdField,
  user_id: UserIdField,
});
