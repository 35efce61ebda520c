import type { ChatApi } from '../chat-api.ts';
import { ChatError } from '../errors.ts';
import { type Observable, Subject } from '../events/observable.ts';
import { once } from '../events/once.ts';
import type { Conversation } from '../protocol/shapes.ts';
import { merged, takesPart } from './conversation-changes.ts';
import { createTurns } from './turns.ts';

export type ConversationListState = {
  /** The conversations of the user that are not archived, newest activity first. */
  conversations: readonly Conversation[];
  /** There are more than these. */
  hasMore: boolean;
  /** This is false until the first page has come. */
  isLoaded: boolean;
  /** The last page could not be loaded. */
  error?: ChatError;
};

const PAGE = 50;
/** A replay tells of a thousand conversations at once. Events and pages bring what is refused. */
const FETCHES = { atOnceMax: 4, waitingMax: 200 };
const EMPTY: ConversationListState = { conversations: [], hasMore: true, isLoaded: false };

/** Keeps the conversations of the user as they are now. The first watcher loads the first page. */
export class Conversations implements Observable<ConversationListState> {
  readonly #chat: ChatApi;
  readonly #onChange: (conversationId: string) => void;
  readonly #state = new Subject<ConversationListState>(EMPTY);
  readonly #byId = new Map<string, Conversation>();
  readonly #fetching = new Map<string, Promise<Conversation>>();
  readonly #inTurn = createTurns(FETCHES);
  /** The cursor is undefined before the first page, and null after the last. */
  #cursor: string | null | undefined;

  constructor(chat: ChatApi, onChange: (conversationId: string) => void) {
    this.#chat = chat;
    this.#onChange = onChange;
  }

  get value(): ConversationListState {
    return this.#state.value;
  }

  subscribe(onChange: () => void): () => void {
    const unsubscribe = this.#state.subscribe(onChange);
    this.resume();
    return unsubscribe;
  }

  get(id: string): Conversation | undefined {
    return this.#byId.get(id);
  }

  /** Loads the first page, or the next one, if there is one. A failure is told in the state. */
  readonly more = once(async () => {
    const cursor = this.#cursor;
    if (cursor === null) return;
    try {
      const request = { limit: PAGE, ...(cursor && { cursor }) };
      const page = await this.#chat.listConversations(request);
      this.#cursor = page.next_cursor;
      for (const record of page.conversations) this.put(record);
      this.#show();
    } catch (error) {
      this.#state.set({ ...this.value, error: ChatError.from(error) });
    }
  });

  /** Loads the first page if somebody watches and it is not here yet. */
  resume(): void {
    if (this.#state.isWatched && !this.value.isLoaded) void this.more();
  }

  /** Asks for a conversation as it is now. Those who ask at once share one request. */
  fetch(id: string): Promise<Conversation> {
    const fetching =
      this.#fetching.get(id) ??
      this.#inTurn(() => this.#chat.getConversation(id))
        .then((record) => this.put(record))
        .finally(() => this.#fetching.delete(id));
    this.#fetching.set(id, fetching);
    return fetching;
  }

  /** Takes a record of the server, but does not keep one in which the user takes no part. */
  put(record: Conversation): Conversation {
    const { conversation_id: id, last_seq: lastSeq } = record;
    if (!takesPart(record, this.#chat.userId())) return record;
    this.#chat.follow(id, lastSeq);
    return this.#set(merged(this.#byId.get(id), record));
  }

  /** Changes a conversation that is known. Watchers are told if it is another one afterwards. */
  change(id: string, change: (conversation: Conversation) => Conversation): void {
    const known = this.#byId.get(id);
    const changed = known && change(known);
    if (changed && changed !== known) this.#set(changed);
  }

  remove(id: string): void {
    this.#byId.delete(id);
    this.#show();
  }

  clear(): void {
    this.#byId.clear();
    this.#cursor = undefined;
    this.#state.set(EMPTY);
  }

  /** Asks again for the conversations in which somebody's name or picture has changed. */
  refreshNames(isNamed: (conversation: Conversation) => boolean): void {
    for (const conversation of this.#byId.values()) {
      // What fails here keeps the old name.
      if (isNamed(conversation))
        this.fetch(conversation.conversation_id).catch((error: unknown) => void error);
    }
  }

  #set(conversation: Conversation): Conversation {
    this.#byId.set(conversation.conversation_id, conversation);
    this.#onChange(conversation.conversation_id);
    this.#show();
    return conversation;
  }

  #show(): void {
    const conversations = [...this.#byId.values()].filter((one) => !one.archived_at);
    conversations.sort((a, b) => (a.last_activity < b.last_activity ? 1 : -1));
    const hasMore = this.#cursor !== null;
    this.#state.set({ conversations, hasMore, isLoaded: this.#cursor !== undefined });
  }
}
