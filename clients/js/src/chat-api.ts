import type { ChatEvents } from './delivery/chat-events.ts';
import type { Observable } from './events/observable.ts';
import type { Draft } from './outbox/entry.ts';
import type { OutboxApi, Sending } from './outbox/sends.ts';
import type { Platform } from './platform/platform.ts';
import type { WatchKey } from './protocol/frames.ts';
import type {
  ConversationInput,
  ConversationsRequest,
  HistoryRequest,
  SearchPage,
  SearchRequest,
} from './protocol/requests.ts';
import type {
  Conversation,
  ConversationsPage,
  HistoryMessage,
  HistoryPage,
  Reaction,
} from './protocol/shapes.ts';
import type { Asking } from './requests/asking.ts';
import type { Rest } from './requests/rest.ts';
import type { ConnectionState } from './tabs/tab-message.ts';

/**
 * A client chats for one user. It comes back by itself when the connection ends, sends each message
 * until the server has it, and tells the application of each message once and in order.
 *
 * Every promise rejects with a `ChatError`. Methods that only read ask again while the server
 * cannot answer, for up to 20 s. Methods that change something ask once.
 */
export type ChatApi = {
  /** The state tells how the connection stands, now and with each change. */
  readonly state: Observable<ConnectionState>;
  /** Returns the id of the user, once a token or a session has told it. */
  userId(): string | undefined;
  /** Resolves with the id of this device, unless it has none yet. */
  deviceId(): Promise<string | undefined>;
  /**
   * Connects, and stays connected until `disconnect`. Resolves with the first connection. Rejects
   * with `CLOSED` if the server refuses for good before, or `disconnect` is called.
   */
  connect(): Promise<void>;
  /** Unsent messages stay in the outbox. Other tabs go on. */
  disconnect(): void;
  /**
   * Forgets the user in all tabs: the token, unsent messages, the id of the device and all that is
   * shown. It asks the server to sign the device out first, and goes on if that fails.
   */
  logout(): Promise<void>;
  /** Calls the handler with each event of the type, until the returned function is called. */
  on<Type extends keyof ChatEvents>(
    type: Type,
    handler: (event: ChatEvents[Type]) => unknown,
  ): () => void;

  /**
   * Tells how far the application itself has a conversation, for example in its database. The
   * client then tells all messages above this `seq`, and reads those that it lacks. It has no
   * effect on a conversation that the client has met already.
   */
  follow(conversationId: string, seq: number): void;
  /**
   * Sends a message, now or when there is a connection. The message is shown at once, and `outbox`
   * events and the promise tell how it went on.
   */
  send(draft: Draft): Sending;
  /** The messages that the server does not have yet. */
  readonly outbox: OutboxApi;
  /** The user has read all up to this `seq`. */
  read(conversationId: string, seq: number): Promise<{ last_read_seq: number }>;
  /**
   * Tells the others, if there is a connection, that the user types. The server forgets it after
   * 5 s, and with the next message.
   */
  setTyping(conversationId: string, isTyping: boolean): void;
  edit(messageId: string, content: string): Promise<HistoryMessage>;
  delete(messageId: string): Promise<HistoryMessage>;
  /** Reacts to a message, or with `remove` takes a reaction back. */
  react(
    messageId: string,
    emoji: string,
    remove?: boolean,
  ): Promise<{ reactions: readonly Reaction[] }>;
  /** Reads a page of messages. */
  history(request: HistoryRequest): Promise<HistoryPage>;
  search(request: SearchRequest): Promise<SearchPage>;

  /** Reads a page of the conversations, newest activity first. */
  listConversations(request?: ConversationsRequest): Promise<ConversationsPage>;
  getConversation(conversationId: string): Promise<Conversation>;
  /** A direct or business conversation that exists already is returned as it is. */
  createConversation(conversation: ConversationInput): Promise<Conversation>;
  /** Changes the details of a group. */
  updateConversation(
    conversationId: string,
    changes: { title?: string; description?: string; avatar_url?: string },
  ): Promise<Conversation>;
  /** Adds people to a group. `shareHistory` shows them the messages that the caller sees. */
  addParticipants(
    conversationId: string,
    userIds: readonly string[],
    shareHistory?: boolean,
  ): Promise<Conversation>;
  /** An admin removes somebody from a group, or somebody leaves it. */
  removeParticipant(conversationId: string, userId: string): Promise<void>;
  /** Mutes a conversation until a time, or for good. */
  mute(conversationId: string, until?: string): Promise<void>;
  unmute(conversationId: string): Promise<void>;
  /** Takes a conversation out of the list. A new message brings it back. */
  archive(conversationId: string): Promise<void>;

  /** Asks with any frame of the contract that only reads. */
  readonly query: Asking['read'];
  /** Asks with any frame of the contract that changes something. */
  readonly command: Asking['write'];
  /** Calls any path of the REST API, which begins behind `/api/v1`, with the user's token. */
  readonly rest: Rest;
  /** The client takes what it needs of the browser, or of Node, from here. */
  readonly platform: Platform;
  /** Watches somebody's presence, or an inbox, until the returned function is called. */
  watch(key: WatchKey): () => void;
};
