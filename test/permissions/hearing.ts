import type { Frame } from '../stage/client.ts';
import { secretsOf, type World } from './world.ts';

/** Answers are looked at as they come; what is asked for is not heard of by chance. */
const ASKED_FOR = ['reply', 'error', 'presence'];

type Told = {
  conversation_id?: string;
  conversation?: { conversation_id: string; participants: { user_id: string }[] };
};

/**
 * What events told one user. The `conversation` event that shows the user out of it is the last of
 * that conversation, live ones included, until one shows them in it again.
 */
export class Hearing {
  /** Each with the first frame it was read in. */
  readonly secrets = new Map<string, string>();
  /** What came after the last event. */
  readonly late: string[] = [];
  readonly #world: World;
  readonly #userId: string;
  readonly #over = new Set<string>();

  constructor(world: World, userId: string) {
    this.#world = world;
    this.#userId = userId;
  }

  hear(frame: Frame): void {
    if (ASKED_FOR.includes(frame.type)) return;
    const text = JSON.stringify(frame);
    for (const secret of secretsOf(text)) {
      if (!this.secrets.has(secret)) this.secrets.set(secret, text);
    }
    const { conversation_id, conversation } = frame as Frame & Told;
    const id = conversation?.conversation_id ?? conversation_id;
    if (id === undefined) return;
    const isIn = conversation?.participants.some(({ user_id }) => user_id === this.#userId);
    if (isIn === true) this.#over.delete(id);
    else if (this.#over.has(id) && !this.#isBack(id)) this.late.push(JSON.stringify(frame));
    else if (isIn === false) this.#over.add(id);
  }

  /** What is live may come before the event that says so. */
  #isBack(id: string): boolean {
    return this.#world.conversations.get(id)?.members.has(this.#userId) === true;
  }
}
