/** The package `@kaha/chat-client/store` offers what this file lists. */
export type { MessageStatus, ShownMessage } from '../timeline/shown-message.ts';
export { ChatStore } from './chat-store.ts';
export type { ConversationListState, Conversations } from './conversations.ts';
export type { MessageList, MessageListState } from './message-list.ts';
