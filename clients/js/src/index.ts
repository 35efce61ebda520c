/** The package `@kaha/chat-client` offers what this file lists. */
export {
  ChatError,
  type ChatErrorCode,
  type ClientErrorCode,
  type ServerErrorCode,
} from './errors.ts';
export { CLOSE } from './protocol/close-codes.ts';
export type {
  ConversationChange,
  MessageUpdate,
  ServerFrame,
  ServerFrames,
} from './protocol/events.ts';
export type {
  BusinessState,
  Conversation,
  ConversationsPage,
  ConversationType,
  HistoryMessage,
  HistoryPage,
  LastMessage,
  Message,
  MessageSent,
  MessageType,
  Participant,
  ParticipantRole,
  Position,
  Presence,
  PresenceStatus,
  Reaction,
  ReplyPreview,
  WireError,
} from './protocol/shapes.ts';
