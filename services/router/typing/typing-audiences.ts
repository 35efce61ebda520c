import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { KnownPositions } from '../positions/known-positions.ts';

/**
 * Other routers tell of changes of participants. If a router misses such a change, it is wrong for
 * no longer than this.
 */
const FRESH_MS = 30_000;
/**
 * Store is asked about at most this many conversations at once. Typing in further ones is refused.
 */
const LOADS_MAX = 256;

/** Knows the participants of a conversation, who may type there and hear of typing. */
export class TypingAudiences {
  readonly #store: AskStore;
  readonly #known: KnownPositions;
  readonly #loads = new Map<ConversationId, Promise<void>>();

  constructor(store: AskStore, known: KnownPositions) {
    this.#store = store;
    this.#known = known;
  }

  /**
   * Returns the other participants. A conversation that is not known costs one read of store,
   * however many users ask at once. While store is away nobody joins or leaves, so the participants
   * known last are as good. Rejects with CONVERSATION_NOT_FOUND or NOT_A_PARTICIPANT.
   */
  async othersOf(id: ConversationId, userId: UserId, deadlineAt: number): Promise<UserId[]> {
    if (this.#known.within(id, FRESH_MS, steadyMs()) === undefined) {
      await this.#refresh(id, deadlineAt);
    }
    const known = this.known(id);
    if (known === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
    if (!known.includes(userId)) {
      throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
    }
    return known.filter((other) => other !== userId);
  }

  /**
   * Returns the participants known last, or undefined if none are known or they have changed since.
   */
  known(id: ConversationId): UserId[] | undefined {
    const known = this.#known.within(id, Number.POSITIVE_INFINITY, steadyMs());
    return known && [...known.keys()];
  }

  /** Returns the participants that store has now. */
  async ask(id: ConversationId, deadlineAt: number): Promise<UserId[] | undefined> {
    await this.#load(id, deadlineAt);
    return this.known(id);
  }

  async #refresh(id: ConversationId, deadlineAt: number): Promise<void> {
    const isKnown = this.known(id) !== undefined;
    try {
      await this.#load(id, deadlineAt);
    } catch (error) {
      if (!isKnown) throw error;
    }
  }

  #load(id: ConversationId, deadlineAt: number): Promise<void> {
    const running = this.#loads.get(id);
    if (running !== undefined) return running;
    if (this.#loads.size >= LOADS_MAX) {
      return Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'Too many are asked for'));
    }
    const load = this.#ask(id, deadlineAt).finally(() => this.#loads.delete(id));
    this.#loads.set(id, load);
    return load;
  }

  async #ask(id: ConversationId, deadlineAt: number, isAgain = false): Promise<void> {
    const asOf = steadyMs();
    const request = { conversation_ids: [id] };
    const { conversations } = await this.#store('positions.list', request, { deadlineAt });
    for (const one of conversations) this.#known.learn(one, asOf);
    // The conversation changed while it was read. Store has that version by now, or a later one.
    const isOld = conversations.length > 0 && this.known(id) === undefined;
    if (isOld && !isAgain) await this.#ask(id, deadlineAt, true);
  }
}
