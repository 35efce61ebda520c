import type { Frame } from '../stage/client.ts';
import { secretsOf, type World } from './world.ts';

/**
 * The test checks answers as they come. A hearing ignores answers, because the user asked for what
 * they hold, and `inbox`, because it tells of what agents may read and take no part in.
 */
const ASKED_FOR = ['reply', 'error', 'presence', 'inbox'];

type Told = {
  conversation_id?: string;
  conversation?: { conversation_id: string; participants: { user_id: string }[] };
};

/**
 * A hearing collects what events told one user. A `conversation` event that shows the user as no
 * longer in a conversation is its last event, live events included, until one shows the user in it
 * again.
 */
export class Hearing {
  /** The map holds each secret with the first frame that it appeared in. */
  readonly secrets = new Map<string, string>();
  /** The list holds the events that came after the last event of a conversation. */
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

  /**
   * A live event may come before the durable event that shows the user in the conversation again.
   */
  #isBack(id: string): boolean {
    return this.#world.conversations.get(id)?.participants.has(this.#userId) === true;
  }
}
