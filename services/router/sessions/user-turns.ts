import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';

/** At most this many tasks wait for an earlier one of their user. Further ones are refused. */
const WAITING_MAX = 8_000;

/**
 * Lets one thing at a time happen to the devices of a user, in the order in which it was asked for.
 * Each router has turns of its own; the edges choose one router for each user.
 */
export class UserTurns {
  readonly #tails = new Map<UserId, Promise<unknown>>();
  #waiting = 0;

  get waiting(): number {
    return this.#waiting;
  }

  async run<Result>(userId: UserId, task: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(userId);
    if (before !== undefined && this.#waiting >= WAITING_MAX) {
      throw new KahaError('MESSAGING_UNAVAILABLE', 'Too many sessions at once', { retryAfterS: 2 });
    }
    this.#waiting += 1;
    const turn = before === undefined ? task() : before.then(task);
    const settled = Promise.allSettled([turn]);
    this.#tails.set(userId, settled);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
      if (this.#tails.get(userId) === settled) this.#tails.delete(userId);
    }
  }
}
