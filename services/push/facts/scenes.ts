import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
import type { Profiles, ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import {
  PUSH_QUESTIONS_MAX,
  type PushAnswers,
  type PushFacts,
  type PushQuestion,
} from '../../../shared/contracts/pushes/push-facts.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { type Names, NO_NAMES } from './names.ts';

/** A scene is all that an alert is made of. There is none for a user without devices. */
export type Scene = { facts: PushFacts | null; names: Names };

type Deps = {
  /** Asks store `push.facts`. */
  askFacts: (questions: PushQuestion[]) => Promise<PushAnswers>;
  /** Asks profiles. */
  askNames: (ids: ProfilesGet) => Promise<Profiles>;
};

type Asked = { question: PushQuestion; answer: (scene: Scene) => void };

const LIMITS = { waitMs: 10, batchMax: PUSH_QUESTIONS_MAX, heldMax: 20_000 };

/**
 * Asks for scenes, many at once. At most 20 000 questions wait for store, and further ones are
 * refused. Names that do not come in time are unknown, and delay nothing.
 */
export class Scenes {
  readonly #deps: Deps;
  readonly #gatherer: Gatherer<number, Asked>;
  #asked = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#gatherer = new Gatherer(LIMITS, (asked) => this.#ask(asked));
  }

  get held(): number {
    return this.#gatherer.held;
  }

  /** Rejects if store does not answer. */
  async ask(question: PushQuestion): Promise<Scene> {
    if (!this.#gatherer.hasRoomFor(1)) throw new KahaError('DATABASE_UNAVAILABLE', 'Too much');
    let scene: Scene | undefined;
    this.#asked += 1;
    await this.#gatherer.put(this.#asked, { question, answer: (found) => (scene = found) });
    if (scene === undefined) throw new KahaError('INTERNAL', 'Store has left out a question');
    return scene;
  }

  close(): Promise<void> {
    return this.#gatherer.close();
  }

  /** Asks again for what an answer had no room for. */
  async #ask(asked: readonly Asked[]): Promise<void> {
    let rest = asked;
    while (rest.length > 0) {
      const { facts } = await this.#deps.askFacts(rest.map(({ question }) => question));
      if (facts.length === 0) return;
      const names = await this.#nameAll(facts);
      for (const [index, one] of facts.entries()) rest[index]?.answer({ facts: one, names });
      rest = rest.slice(facts.length);
    }
  }

  async #nameAll(facts: readonly (PushFacts | null)[]): Promise<Names> {
    const users = new Set<UserId>();
    const businesses = new Set<BusinessId>();
    for (const one of facts) {
      if (one === null) continue;
      const { others, business_id: businessId } = one.conversation;
      for (const userId of others) users.add(userId);
      for (const { sender_id: senderId } of one.messages) users.add(senderId);
      if (businessId !== undefined) businesses.add(businessId);
    }
    if (users.size + businesses.size === 0) return NO_NAMES;
    try {
      const ids = { user_ids: [...users], business_ids: [...businesses] };
      const found = await this.#deps.askNames(ids);
      return {
        users: new Map(found.users.map(({ id, name }) => [id, name])),
        businesses: new Map(found.businesses.map(({ id, name }) => [id, name])),
      };
    } catch {
      return NO_NAMES;
    }
  }
}
