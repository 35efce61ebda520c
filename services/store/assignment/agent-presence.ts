import type { Redis } from 'ioredis';
import type { UserId } from '../../../shared/ids.ts';
import { BATCH_MAX, readPresence } from '../../../shared/presence/read-presence.ts';
import type { Logger } from '../../../shared/process/logger.ts';

/** Nobody knows of a user while Redis is away, or has not been told of all users again. */
export type AgentPresence = 'online' | 'offline' | 'unknown';

type Deps = {
  /** Nobody knows of anybody in a store without a Redis. */
  redis: Redis | undefined;
  logger: Logger;
};

/**
 * Reads from Redis, where edges write it, who is online. Never rejects: what cannot be read is
 * unknown. `shared/presence` says how long after an outage Redis knows of users again.
 */
export class AgentPresences {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Tells whether Redis knows who is offline. */
  async isKnown(): Promise<boolean> {
    return (await this.#read([])).known === 'all';
  }

  /** Returns the presence of each user, and asks for 500 at a time. */
  async read(userIds: readonly UserId[]): Promise<Map<UserId, AgentPresence>> {
    const found = new Map<UserId, AgentPresence>();
    for (let from = 0; from < userIds.length; from += BATCH_MAX) {
      const batch = userIds.slice(from, from + BATCH_MAX);
      const { presences } = await this.#read(batch);
      for (const [index, userId] of batch.entries()) {
        found.set(userId, presences[index]?.status ?? 'unknown');
      }
    }
    return found;
  }

  async #read(userIds: readonly UserId[]): ReturnType<typeof readPresence> {
    const { redis, logger } = this.#deps;
    try {
      if (redis?.status === 'ready') return await readPresence(redis, userIds);
    } catch (error) {
      logger.debug({ reason: (error as Error).name }, 'presence of agents not read');
    }
    return { known: 'nobody', presences: [] };
  }
}
