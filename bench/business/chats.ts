import { Histogram } from '../figures/histogram.ts';

/**
 * A chat is a conversation that the run has opened. Its message is sent, then an agent has it, then
 * it is closed:
 *
 *     sent ──assigned──► assigned ──closed──► (forgotten)
 */
export type Chat = {
  conversationId: string;
  business: number;
  /** When the message was sent, an agent of the business had a place for it. */
  isPossible: boolean;
  isTimed: boolean;
  /** Times of day, in ms. The stack has stamped the message, and the generator saw the event. */
  sentAt?: number;
  assignedAt?: number;
  /** The number of the agent who has it. */
  agent?: number;
  /** The message was refused, although the stack may have kept it. */
  isRefused?: true;
};

export type ChatCounts = {
  opened: number;
  assigned: number;
  answered: number;
  closed: number;
  /** So many had to wait for a place, or may have. */
  waited: number;
  /** Somebody else was assigned a conversation that an agent had. */
  twice: number;
  /** So many were assigned to nobody until the run ended. */
  unassigned: number;
};

/** Keeps the open chats of a run, and times how soon each was assigned. */
export class Chats {
  /** The times are of chats that could be assigned at once. */
  readonly atOnceMs = new Histogram();
  readonly counts: ChatCounts = {
    ...{ opened: 0, assigned: 0, answered: 0, closed: 0 },
    ...{ waited: 0, twice: 0, unassigned: 0 },
  };
  readonly #open = new Map<string, Chat>();
  readonly #openOf: Int32Array;
  /** The list has the times at which chats of a business were closed, in order. */
  readonly #closes: number[][];
  readonly #waited: Required<Pick<Chat, 'business' | 'sentAt' | 'assignedAt'>>[] = [];
  readonly #placesOf: (business: number) => number;

  /** `placesOf` tells how many conversations the agents of a business may have together. */
  constructor(businesses: number, placesOf: (business: number) => number) {
    this.#openOf = new Int32Array(businesses);
    this.#closes = Array.from({ length: businesses }, () => []);
    this.#placesOf = placesOf;
  }

  get open(): Iterable<Chat> {
    return this.#open.values();
  }

  has(conversationId: string): boolean {
    return this.#open.has(conversationId);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Begins a chat whose message is about to be sent. Chats count as open until their close was
   * answered, so a place that counts as free is free. `isNew` says that no agent had it before: who
   * had it before comes first, and may be full.
   */
  begin(conversationId: string, { business, isTimed, isNew }: Begun): Chat {
    const open = this.#openOf[business] ?? 0;
    const isPossible = isNew && open < this.#placesOf(business);
    const chat: Chat = { conversationId, business, isPossible, isTimed };
    this.#open.set(conversationId, chat);
    this.#openOf[business] = open + 1;
    this.counts.opened += 1;
    if (!isPossible) this.counts.waited += 1;
    return chat;
  }

  /** Forgets a chat that nobody is to close any more. */
  forget(chat: Chat): void {
    this.#end(chat);
  }

  sent(chat: Chat, sentAt: number): void {
    chat.sentAt = sentAt;
    this.#time(chat);
  }

  /**
   * Takes note that an agent was told of an assignment. Returns the chat if this is news, and the
   * agent is to go on with it.
   */
  assigned(conversationId: string, agent: number, atMs: number): Chat | undefined {
    const chat = this.#open.get(conversationId);
    if (chat === undefined || chat.agent === agent) return undefined;
    if (chat.agent !== undefined) {
      this.counts.twice += 1;
      return undefined;
    }
    Object.assign(chat, { agent, assignedAt: atMs });
    this.counts.assigned += 1;
    this.#time(chat);
    return chat;
  }

  answered(): void {
    this.counts.answered += 1;
  }

  closed(chat: Chat, closedAt: number): void {
    this.counts.closed += 1;
    this.#closes[chat.business]?.push(closedAt);
    this.#end(chat);
  }

  #end(chat: Chat): void {
    if (!this.#open.delete(chat.conversationId)) return;
    this.#openOf[chat.business] = (this.#openOf[chat.business] ?? 0) - 1;
  }

  /**
   * Times the chats that had to wait, from the last close before the assignment to the assignment.
   * A chat without such a close had a place after all.
   */
  freedMs(): Histogram {
    const histogram = new Histogram();
    for (const { business, sentAt, assignedAt } of this.#waited) {
      const freedAt = this.#closes[business]?.findLast((closedAt) => closedAt <= assignedAt) ?? 0;
      if (freedAt > sentAt) histogram.recordMs(assignedAt - freedAt);
    }
    return histogram;
  }

  /** The answer and the event race, so the second of them times the assignment. */
  #time({ business, isPossible, isTimed, sentAt, assignedAt }: Chat): void {
    if (!isTimed || sentAt === undefined || assignedAt === undefined) return;
    if (isPossible) this.atOnceMs.recordMs(assignedAt - sentAt);
    else this.#waited.push({ business, sentAt, assignedAt });
  }
}

type Begun = { business: number; isTimed: boolean; isNew: boolean };
