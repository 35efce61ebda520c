/** The package `@kaha/chat-client` offers what this file lists. */
export type { ChatApi } from './chat-api.ts';
export { ChatClient } from './client.ts';
export type { ChatEvents } from './delivery/chat-events.ts';
export type { OutboxChange } from './engine/line.ts';
export {
  ChatError,
  type ChatErrorCode,
  type ClientErrorCode,
  type ServerErrorCode,
} from './errors.ts';
export type { Observable } from './events/observable.ts';
export type { ChatOptions } from './options.ts';
export type { Draft, Entry as OutboxEntry } from './outbox/entry.ts';
export type { OutboxApi, Sending } from './outbox/sends.ts';
export type { Fetch, Platform, SocketClass } from './platform/platform.ts';
export type {
  Agent,
  AgentInput,
  AgentsPage,
  BusinessSettings,
  BusinessSettingsInput,
  Interval,
  Weekday,
} from './protocol/businesses.ts';
export type {
  ConversationChange,
  MessageUpdate,
  ServerFrame,
  ServerFrames,
} from './protocol/events.ts';
export type { WatchKey } from './protocol/frames.ts';
export type {
  AgentStatus,
  Availability,
  ConversationInput,
  ConversationsRequest,
  HistoryRequest,
  InboxCounts,
  InboxPage,
  InboxView,
  Operations,
  SearchPage,
  SearchRequest,
} from './protocol/requests.ts';
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
export type { Rest, RestMethod } from './requests/rest.ts';
export type { ChatStorage } from './storage/storage.ts';
export { memoryStorage } from './storage/storage.ts';
export type { ConnectionState } from './tabs/tab-message.ts';
export type { MessageStatus, ShownMessage } from './timeline/shown-message.ts';
