import type { ChatApi } from '../chat-api.ts';
import type { ChatEvents } from '../delivery/chat-events.ts';
import type { Observable } from '../events/observable.ts';
import { echoOf } from '../outbox/entry.ts';
import type { Conversation, Presence } from '../protocol/shapes.ts';
import {
  reachedOf,
  takesPart,
  withMessage,
  withMessageUpdate,
  withPositions,
  withRead,
} from './conversation-changes.ts';
import { Conversations } from './conversations.ts';
import { createKeyedSubjects, dropUnwatched } from './keyed-subjects.ts';
import { MessageList } from './message-list.ts';
import { createReads, type Reads } from './reads.ts';
import { createTypingNotes, type TypingNotes } from './typing-notes.ts';
import { createTypists, type Typists } from './typists.ts';
import { withEcho, withoutEcho, withSent, withUpdate } from './window.ts';

/** So many lists that nobody watches are kept up to date. Then those are let go of. */
const LISTS_MAX = 30;
const NAMES_SPREAD_MS = 2_000;
const UNKNOWN: Presence = { status: 'unknown' };

/**
 * Keeps what a chat application shows as it is now: conversations with names, unread counts and
 * positions, messages with their status, who types and who is there. Make the store before your own
 * handlers, and it has changed when they are called.
 */
export class ChatStore {
  /** The conversations of the user are here, newest activity first. */
  readonly conversations: Conversations;
  readonly #chat: ChatApi;
  readonly #typists: Typists;
  readonly #typing: TypingNotes;
  readonly #reads: Reads;
  readonly #presences = createKeyedSubjects(UNKNOWN);
  readonly #lists = new Map<string, MessageList>();

  constructor(chat: ChatApi) {
    this.#chat = chat;
    this.#typists = createTypists(chat.platform);
    this.#typing = createTypingNotes(chat);
    this.#reads = createReads(chat);
    const raise = (id: string): void => this.#lists.get(id)?.change((window) => window);
    this.conversations = new Conversations(chat, raise);
    this.#listen();
  }

  /**
   * The messages of a conversation from the newest back, with those that are being sent. Some 30
   * lists that nobody watches are kept up to date, so get the list again before you show it again.
   */
  messages(conversationId: string): MessageList {
    const known = this.#lists.get(conversationId);
    if (known) return known;
    const { conversations } = this;
    const list: MessageList = new MessageList({
      ...{ chat: this.#chat, conversationId },
      reached: () => {
        const conversation = conversations.get(conversationId);
        return conversation && reachedOf(conversation, this.#chat.userId());
      },
      onPositions: (positions) =>
        conversations.change(conversationId, (one) => positions.reduce(withPositions, one)),
    });
    if (this.#lists.size >= LISTS_MAX) dropUnwatched(this.#lists);
    this.#lists.set(conversationId, list);
    if (!conversations.get(conversationId)) this.#fetch(conversationId);
    for (const entry of this.#chat.outbox.list()) {
      if (entry.conversation_id === conversationId) this.#showEcho({ change: 'added', entry });
    }
    return list;
  }

  /** The user has read all up to this `seq`, and sees so at once. It is told when it can be. */
  read(conversationId: string, seq: number): void {
    if (seq <= (this.conversations.get(conversationId)?.last_read_seq ?? -1)) return;
    this.conversations.change(conversationId, (one) => withRead(one, seq));
    this.#reads.mark(conversationId, seq);
  }

  /** Call this with each key that is pressed, and with false when nothing is left of the text. */
  setTyping(conversationId: string, isTyping: boolean): void {
    this.#typing.set(conversationId, isTyping);
  }

  /** The ids of those who are typing. */
  typing(conversationId: string): Observable<readonly string[]> {
    return this.#typists.of(conversationId);
  }

  /** The presence of somebody, who is watched for as long as you subscribe. */
  presence(who: { user_id: string } | { business_id: string }): Observable<Presence> {
    const key = keyOf(who);
    const subject = this.#presences.of(key);
    const chat = this.#chat;
    return {
      get value() {
        return subject.value;
      },
      subscribe(onChange) {
        const ends = [subject.subscribe(onChange), chat.watch(key)];
        return () => {
          for (const end of ends) end();
        };
      },
    };
  }

  #listen(): void {
    const chat = this.#chat;
    const { conversations } = this;
    chat.on('message', (event) => this.#takeMessage(event));
    chat.on('message_updated', (update) => {
      const { conversation_id: id } = update;
      this.#lists.get(id)?.change((window) => withUpdate(window, update));
      conversations.change(id, (one) => withMessageUpdate(one, update));
    });
    chat.on('conversation', ({ conversation }) => {
      const isIn = takesPart(conversation, chat.userId());
      if (isIn) conversations.put(conversation);
      else conversations.remove(conversation.conversation_id);
    });
    chat.on('receipt', (receipt) => {
      conversations.change(receipt.conversation_id, (one) => withPositions(one, receipt));
    });
    chat.on('unread', ({ conversation_id: id, unread }) => {
      conversations.change(id, (one) => withRead(one, one.last_seq - unread));
    });
    chat.on('typing', this.#typists.take);
    chat.on('presence', (presence) => this.#presences.of(keyOf(presence)).set(presence));
    chat.on('profile_updated', (event) => this.#takeProfile(event));
    chat.on('inbox', (event) => this.#takeInbox(event));
    chat.on('outbox', (change) => this.#showEcho(change));
    chat.on('caught_up', (event) => this.#catchUp(event));
    chat.on('session', () => {
      conversations.resume();
      this.#reads.resume();
      for (const [id, list] of this.#lists) {
        list.resume();
        if (list.isWatched && !conversations.get(id)) this.#fetch(id);
      }
    });
    chat.on('state', ({ status }) => status !== 'connected' && this.#disconnect());
    chat.on('logout', () => this.#clear());
  }

  #takeMessage({ isLate: _isLate, ...message }: ChatEvents['message']): void {
    const { conversation_id, sender_id: user_id } = message;
    const { conversations } = this;
    if (conversations.get(conversation_id) || !conversations.value.isLoaded) {
      const userId = this.#chat.userId();
      conversations.change(conversation_id, (one) => withMessage(one, message, userId));
    } else this.#fetch(conversation_id);
    this.#lists.get(conversation_id)?.add(message);
    this.#typists.take({ conversation_id, user_id, is_typing: false });
  }

  /** A conversation that cannot be fetched now comes with the next event or with the list. */
  #fetch(conversationId: string): void {
    this.conversations.fetch(conversationId).catch((error: unknown) => void error);
  }

  #showEcho({ change, entry, sent }: ChatEvents['outbox']): void {
    if (change === 'added') this.#typing.sent(entry.conversation_id);
    const echo = echoOf(entry, this.#chat.userId() ?? '');
    this.#lists.get(entry.conversation_id)?.change((window) => {
      if (sent) return withSent(window, echo, sent);
      if (change === 'discarded') return withoutEcho(window, entry.client_msg_id);
      return withEcho(window, echo);
    });
  }

  /** The server is told that this client has caught up once the promise has settled. */
  async #catchUp({ conversations }: ChatEvents['caught_up']): Promise<void> {
    for (const record of conversations) this.conversations.put(record);
    await Promise.all([...this.#lists.values()].map((list) => list.refresh()));
  }

  /** A user who reads without taking part is told of new messages by the inbox alone. */
  #takeInbox({ conversation_id, conversation }: ChatEvents['inbox']): void {
    const id = conversation?.conversation_id ?? conversation_id ?? '';
    if (!this.conversations.get(id)) void this.#lists.get(id)?.refresh();
  }

  /** All who know the person are told at once, so they ask at different times. */
  #takeProfile({ user_id, business_id }: ChatEvents['profile_updated']): void {
    const { after, random } = this.#chat.platform;
    const isNamed = (one: Conversation): boolean =>
      takesPart(one, user_id ?? '') || (!!business_id && one.business_id === business_id);
    after(random() * NAMES_SPREAD_MS, () => this.conversations.refreshNames(isNamed));
  }

  /** There is no connection, so nobody knows who is there and who types. */
  #disconnect(): void {
    this.#presences.clear();
    this.#typists.clear();
  }

  #clear(): void {
    this.conversations.clear();
    this.#reads.clear();
    for (const list of this.#lists.values()) list.clear();
    this.#disconnect();
  }
}

function keyOf(who: { user_id?: string; business_id?: string }) {
  return who.user_id ? (`user:${who.user_id}` as const) : (`business:${who.business_id}` as const);
}
