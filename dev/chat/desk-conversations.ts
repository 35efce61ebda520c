import type { Conversation } from '../../clients/js/src/index.ts';

export type DeskConversation = { number: number; conversation: Conversation };

/** A conversation has become the agent's, is theirs no more, waits anew, or none of it. */
type Turn = 'mine' | 'lost' | 'waits' | 'same';

/** A desk knows this many conversations, and then forgets the one that it has known longest. */
const KNOWN_MAX = 1_000;

/**
 * Knows the conversations that an agent has seen, each by a number that is easy to type, and tells
 * what has changed. A conversation that is older than what is known is passed over.
 */
export class DeskConversations {
  readonly #me: string;
  readonly #known = new Map<string, DeskConversation>();
  #lastNumber = 0;

  constructor(me: string) {
    this.#me = me;
  }

  note(conversation: Conversation): { known: DeskConversation; turn: Turn } {
    const before = this.#known.get(conversation.conversation_id);
    if (before === undefined) {
      const known = this.#add(conversation);
      if (this.isMine(conversation)) return { known, turn: 'mine' };
      return { known, turn: conversation.state === 'waiting' ? 'waits' : 'same' };
    }
    const old = before.conversation;
    if (conversation.version < old.version) return { known: before, turn: 'same' };
    before.conversation = conversation;
    if (this.isMine(conversation) !== this.isMine(old)) {
      return { known: before, turn: this.isMine(conversation) ? 'mine' : 'lost' };
    }
    const isNew = conversation.state === 'waiting' && old.state !== 'waiting';
    return { known: before, turn: isNew ? 'waits' : 'same' };
  }

  /** Forgets a conversation that the agent may not see any more. Returns it if it was known. */
  drop(conversationId: string): DeskConversation | undefined {
    const known = this.#known.get(conversationId);
    this.#known.delete(conversationId);
    return known;
  }

  isMine({ state, assignee_id: assigneeId }: Conversation): boolean {
    return state === 'assigned' && assigneeId === this.#me;
  }

  byId(conversationId: string): DeskConversation | undefined {
    return this.#known.get(conversationId);
  }

  /** Throws if no conversation has the number. */
  byNumber(text: string): DeskConversation {
    const found = [...this.#known.values()].find(({ number }) => String(number) === text);
    if (found === undefined) throw new Error(`No conversation has the number "${text}".`);
    return found;
  }

  /** Returns the agent's conversations. */
  mine(): DeskConversation[] {
    return [...this.#known.values()].filter(({ conversation }) => this.isMine(conversation));
  }

  #add(conversation: Conversation): DeskConversation {
    const others = [...this.#known.values()].filter((one) => !this.isMine(one.conversation));
    const oldest = others[0]?.conversation.conversation_id;
    if (this.#known.size >= KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#lastNumber += 1;
    const known = { number: this.#lastNumber, conversation };
    this.#known.set(conversation.conversation_id, known);
    return known;
  }
}
