import type { ChatApi } from '../chat-api.ts';
import { ChatError } from '../errors.ts';
import { type Observable, Subject } from '../events/observable.ts';
import { once } from '../events/once.ts';
import type { HistoryPage, Message, Position } from '../protocol/shapes.ts';
import type { ShownMessage } from '../timeline/shown-message.ts';
import { type Reached, type Window, withMessages, withStatus } from './window.ts';

type Deps = {
  chat: ChatApi;
  conversationId: string;
  /** Returns how far all others are. */
  reached: () => Reached;
  onPositions: (positions: readonly Position[]) => void;
};

export type MessageListState = {
  messages: readonly ShownMessage[];
  /** There are older messages than these. */
  hasOlder: boolean;
  /** This is false until the newest messages have come. */
  isLoaded: boolean;
  /** The last page could not be loaded. */
  error?: ChatError;
};

const PAGE = 50;
const REFRESH_PAGE = 200;
/** A list that was read further back than this forgets the older part when it is read again. */
const REFRESHED_MAX = 1_000;
/** A list that holds so many loads no older ones, and lets go of its oldest as new ones come. */
const MESSAGES_MAX = 20_000;
const EMPTY: MessageListState = { messages: [], hasOlder: true, isLoaded: false };

/**
 * The messages of one conversation, from the newest back to where the application has read, with
 * those that are being sent behind them. The first watcher loads the newest page.
 */
export class MessageList implements Observable<MessageListState> {
  readonly #deps: Deps;
  readonly #state = new Subject<MessageListState>(EMPTY);
  /** Messages that come are kept from the time on at which the newest page is asked for. */
  #isAsked = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get value(): MessageListState {
    return this.#state.value;
  }

  get isWatched(): boolean {
    return this.#state.isWatched;
  }

  subscribe(onChange: () => void): () => void {
    const unsubscribe = this.#state.subscribe(onChange);
    this.resume();
    return unsubscribe;
  }

  /** Loads the newest page, or the next older one, if there is one. */
  older(): Promise<void> {
    return this.#older();
  }

  /** Loads the newest page if somebody watches and it is not here yet. */
  resume(): void {
    if (this.isWatched && !this.value.isLoaded) void this.older();
  }

  /** Reads again what is shown, because changes may have been missed. */
  refresh(): Promise<void> {
    return this.#refresh();
  }

  /** Takes a message that has come. */
  add(message: Message): void {
    if (this.#isAsked) this.change((window) => this.#with(window, [message]));
  }

  /** Changes what is shown. The status of one's own messages follows the positions of others. */
  change(change: (window: Window) => Window): void {
    const messages = withStatus(change(this.value.messages), this.#deps.reached());
    if (messages === this.value.messages) return;
    const over = messages.length - MESSAGES_MAX - PAGE;
    const rest = over > 0 ? { messages: messages.slice(over), hasOlder: true } : { messages };
    this.#state.set({ ...this.value, ...rest });
  }

  clear(): void {
    this.#isAsked = false;
    this.#state.set(EMPTY);
  }

  readonly #older = once(async () => {
    const { hasOlder, isLoaded, messages } = this.value;
    if (!hasOlder || messages.length >= MESSAGES_MAX) return;
    this.#isAsked = true;
    await this.#attempt(async () => {
      const page = await this.#read(PAGE, isLoaded ? messages[0]?.seq : undefined);
      this.#put(page.messages, page);
    });
  });

  readonly #refresh = once(async () => {
    if (!this.value.isLoaded) return;
    await this.#attempt(async () => {
      const from = this.value.messages[0]?.seq ?? 0;
      let all: Message[] = [];
      let page: HistoryPage;
      do {
        page = await this.#read(REFRESH_PAGE, all[0]?.seq);
        all = [...page.messages, ...all];
      } while (page.has_more && all.length < REFRESHED_MAX && (all[0]?.seq ?? 0) > from);
      const oldest = all[0]?.seq ?? 0;
      this.change((window) => window.filter(({ seq = oldest }) => seq >= oldest));
      this.#put(all, page);
    });
  });

  async #attempt(load: () => Promise<void>): Promise<void> {
    try {
      await load();
    } catch (error) {
      this.#state.set({ ...this.value, error: ChatError.from(error) });
    }
  }

  #read(limit: number, before_seq: number | undefined): Promise<HistoryPage> {
    const { chat, conversationId: conversation_id } = this.#deps;
    return chat.history({ conversation_id, limit, ...(before_seq && { before_seq }) });
  }

  #put(messages: readonly Message[], { receipts, has_more: hasOlder }: HistoryPage): void {
    this.#deps.onPositions(receipts);
    this.#state.set({ messages: this.value.messages, isLoaded: true, hasOlder });
    this.change((window) => this.#with(window, messages));
  }

  #with(window: Window, messages: readonly Message[]): Window {
    return withMessages(window, messages, this.#deps.chat.userId());
  }
}
