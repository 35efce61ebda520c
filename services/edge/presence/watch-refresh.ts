import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { PresenceRedis } from './presence-redis.ts';
import type { WatchedUsers } from './watched-users.ts';

type Deps = {
  redis: Pick<PresenceRedis, 'isReady' | 'known' | 'times'>;
  users: Pick<WatchedUsers, 'size' | 'refresh'>;
  logger: Logger;
};

/** While a refresh is due, the edge looks this often whether Redis knows all users. */
const LOOKS_A_TIME = 12;

/**
 * Reads all watched users again once changes may have been missed, and Redis knows all users. Until
 * then it looks twice a second whether Redis does, which costs one small command. Refreshes are as
 * far apart as heartbeats at least, because each reads everybody who is watched.
 */
export class WatchRefresh {
  readonly #deps: Deps;
  #timer: NodeJS.Timeout | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #isDue = false;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Changes may have been missed, or Redis does not know some of the users yet. */
  due(): void {
    this.#isDue = true;
    if (this.#isClosed || this.#timer !== undefined) return;
    const lookMs = this.#deps.redis.times.settledMs / LOOKS_A_TIME;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, lookMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    this.#isDue = false;
    const isDone = await this.#refresh().catch((error: unknown) => {
      this.#deps.logger.debug({ err: error }, 'presence not refreshed');
      return false;
    });
    this.#timer = undefined;
    if (!isDone || this.#isDue) this.due();
  }

  async #refresh(): Promise<boolean> {
    const { redis, users } = this.#deps;
    if (users.size === 0) return true;
    const nowMs = steadyMs();
    if (!redis.isReady || nowMs - this.#refreshedAt < redis.times.beatMs) return false;
    if ((await redis.known()) !== 'all') return false;
    this.#refreshedAt = nowMs;
    return await users.refresh();
  }
}
