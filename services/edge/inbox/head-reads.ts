import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';

type Deps = {
  /** The head tells the roles of these users. */
  users: () => UserId[];
  ask: (users: UserId[]) => Promise<InboxHead>;
  /** Takes a head, in which each of `users` has a role or is no agent. */
  take: (head: InboxHead, users: readonly UserId[]) => void;
};

/** Heads are read this far apart, and each brings the steps up to its version. */
const GAP_MS = 100;
const RETRY_MS = 1_000;
/** Without any news, a head is read this often: it finds out what signals were lost. */
const HEAL_MS = 15_000;

/**
 * Reads how one inbox stands: soon after a change, every 15 s in any case, and when somebody begins
 * to watch. One head is read at a time, and all who ask meanwhile share the next one.
 *
 *     idle ──due, or next()──► reading ──next()──► reading, and another follows
 *       ▲                         │ ▲                        │
 *       └─────── head, or error ──┘ └────── head, or error ──┘
 */
export class HeadReads {
  readonly #deps: Deps;
  #reading: Promise<InboxHead> | undefined;
  #following: Promise<InboxHead> | undefined;
  #isChanged = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #healAt = 0;
  /** Store did not answer, and is left alone until then. */
  #notBefore = 0;
  #isClosed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  isDue(nowMs: number): boolean {
    if (this.isReading || this.#isClosed || nowMs < this.#notBefore) return false;
    const isTold = this.#isChanged && nowMs - this.#readAt >= GAP_MS;
    return isTold || nowMs >= this.#healAt;
  }

  /** The inbox, or who its agents are, has changed, so a head is due. */
  changed(): void {
    this.#isChanged = true;
  }

  /** Resolves with a head that is asked for after this call. */
  next(): Promise<InboxHead> {
    if (this.#reading === undefined) return this.#read();
    this.#following ??= this.#follow(this.#reading);
    return this.#following;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #follow(before: Promise<InboxHead>): Promise<InboxHead> {
    await Promise.allSettled([before]);
    this.#following = undefined;
    return await this.next();
  }

  #read(): Promise<InboxHead> {
    this.#reading = this.#ask().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #ask(): Promise<InboxHead> {
    const users = this.#deps.users();
    this.#isChanged = false;
    try {
      const head = await this.#deps.ask(users);
      this.#readAt = steadyMs();
      // Edges that began together spread their reads.
      this.#healAt = this.#readAt + HEAL_MS * (0.8 + 0.4 * Math.random());
      this.#deps.take(head, users);
      return head;
    } catch (error) {
      this.#isChanged = true;
      this.#notBefore = steadyMs() + RETRY_MS;
      throw error;
    }
  }
}
