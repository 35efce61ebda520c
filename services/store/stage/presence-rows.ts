import type { Redis } from 'ioredis';
import type { UserId } from '../../../shared/ids.ts';
import { presenceKeys } from '../../../shared/presence/read-presence.ts';

const EDGE = 'edge-1.test';
const LONG_MS = 60_000;

/** Writes into Redis what an edge would tell of the users that it holds. */
export class PresenceRows {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** An edge lives, and Redis knows all users, or has known them only for `sinceMs`. */
  async live(sinceMs = LONG_MS): Promise<void> {
    await this.#redis.zadd(presenceKeys.edges, Date.now(), EDGE);
    await this.#redis.set(presenceKeys.since, Date.now() - sinceMs);
  }

  /** The only edge has sent no heartbeat for 13 s. */
  async die(): Promise<void> {
    await this.#redis.zadd(presenceKeys.edges, Date.now() - 13_000, EDGE);
  }

  async come(...users: UserId[]): Promise<void> {
    for (const user of users) await this.#redis.hset(presenceKeys.user(user), 'at', '1 0', EDGE, 1);
  }

  async go(...users: UserId[]): Promise<void> {
    for (const user of users) await this.#redis.hdel(presenceKeys.user(user), EDGE);
  }
}
