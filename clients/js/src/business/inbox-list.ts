import type { ChatApi } from '../chat-api.ts';
import type { ChatEvents } from '../delivery/chat-events.ts';
import { type Observable, Subject } from '../events/observable.ts';
import { once } from '../events/once.ts';
import type { InboxCounts, InboxPage, InboxView } from '../protocol/requests.ts';
import type { Conversation } from '../protocol/shapes.ts';

export type InboxState = {
  conversations: readonly Conversation[];
  counts: InboxCounts | undefined;
  hasMore: boolean;
  /** This is false until the first page has come. */
  isLoaded: boolean;
};

const PAGE = 50;
/** A page that changes while it is read is read again so often, and then with the next change. */
const ROUNDS_MAX = 5;
const NOTHING = { conversations: [], counts: undefined };
const EMPTY: InboxState = { ...NOTHING, hasMore: false, isLoaded: false };

/**
 * One view of the inbox of a business is kept as it is now for as long as somebody watches it.
 * Nobody tells of changes while nobody watches, so the first watcher reads the inbox anew.
 */
export class InboxList implements Observable<InboxState> {
  readonly #chat: ChatApi;
  readonly #businessId: string;
  readonly #view: InboxView;
  readonly #state = new Subject<InboxState>(EMPTY);
  #version = 0;
  /** An event told of this version. */
  #newest = 0;
  #cursor: string | null = null;
  /** A change was missed, also while a page was under way. */
  #isStale = false;
  #stop: (() => void) | undefined;

  constructor(chat: ChatApi, businessId: string, view: InboxView) {
    this.#chat = chat;
    this.#businessId = businessId;
    this.#view = view;
  }

  get value(): InboxState {
    return this.#state.value;
  }

  subscribe(onChange: () => void): () => void {
    this.#stop ??= this.#start();
    const unsubscribe = this.#state.subscribe(onChange);
    return () => {
      unsubscribe();
      if (this.#state.isWatched) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  /** Loads the next page, if there is one. */
  async more(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === null) return;
    const page = await this.#read(cursor);
    if (cursor !== this.#cursor) return;
    this.#cursor = page.next_cursor;
    const known = new Set(this.value.conversations.map(({ conversation_id: id }) => id));
    const added = page.conversations.filter(({ conversation_id: id }) => !known.has(id));
    this.#show([...this.value.conversations, ...added]);
  }

  readonly #load = once(async () => {
    for (let round = 0; this.#isStale && round < ROUNDS_MAX; round += 1) {
      this.#isStale = false;
      const { conversations, counts, version, next_cursor } = await this.#read();
      this.#version = version;
      this.#isStale ||= this.#newest > version;
      this.#cursor = next_cursor;
      this.#state.set({ conversations, counts, hasMore: next_cursor !== null, isLoaded: true });
    }
  });

  #start(): () => void {
    const chat = this.#chat;
    const ends = [
      chat.watch(`inbox:${this.#businessId}`),
      chat.on('inbox', (event) => this.#take(event)),
      chat.state.subscribe(() => chat.state.value.status === 'connected' && this.#reload()),
    ];
    this.#reload();
    return () => {
      for (const end of ends) end();
    };
  }

  #reload(): void {
    this.#isStale = true;
    // A connection that comes back reads again.
    this.#load().catch((error: unknown) => error);
  }

  #read(cursor?: string): Promise<InboxPage> {
    const request = { business_id: this.#businessId, view: this.#view, limit: PAGE };
    return this.#chat.query('inbox', { ...request, ...(cursor && { cursor }) });
  }

  /** The version rises by one with each change, so a gap means that one was missed. */
  #take({ business_id, version, conversation_id, ...event }: ChatEvents['inbox']): void {
    const { conversation, counts } = event;
    const id = conversation?.conversation_id ?? conversation_id;
    if (business_id !== this.#businessId) return;
    if (counts && version >= this.#version) this.#state.set({ ...this.value, counts });
    this.#newest = Math.max(this.#newest, version);
    if (version <= this.#version || !this.value.isLoaded) return;
    if (version > this.#version + 1) {
      this.#reload();
      return;
    }
    this.#version = version;
    const others = this.value.conversations.filter((one) => one.conversation_id !== id);
    const isIn = conversation && this.#belongs(conversation);
    this.#show(isIn ? [...others, conversation].sort(ORDERS[this.#view]) : others);
  }

  #show(conversations: readonly Conversation[]): void {
    this.#state.set({ ...this.value, conversations, hasMore: this.#cursor !== null });
  }

  #belongs({ state, assignee_id: assigneeId }: Conversation): boolean {
    if (this.#view !== 'mine') return state === this.#view;
    return state === 'assigned' && assigneeId === this.#chat.userId();
  }
}

type Compare = (one: Conversation, other: Conversation) => number;

/** The longest waiting come first in their view, and the newest in the others. */
const ORDERS: Record<InboxView, Compare> = {
  waiting: (a, b) => compare(a.waiting_since, b.waiting_since),
  mine: (a, b) => compare(b.last_activity, a.last_activity),
  assigned: (a, b) => compare(b.last_activity, a.last_activity),
  closed: (a, b) => compare(b.closed_at, a.closed_at),
};

function compare(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
