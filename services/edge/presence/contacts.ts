import type { Redis } from 'ioredis';
import { Gate } from '../../../shared/concurrency/gate.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';

type Deps = {
  redis: Redis;
  /** Those of them who share a conversation with the user: asks store. */
  ask: (userId: UserId, userIds: readonly UserId[]) => Promise<readonly UserId[]>;
  logger: Logger;
};

/**
 * How old a kept answer may be where the device's queue is surely complete: each change of a
 * conversation comes through it, and makes the edge drop what is kept.
 */
export const QUEUE_TOLD_MS = 24 * 3_600_000;
/** Where nothing tells: a device whose queue is new, and REST while store is away. */
export const UNTOLD_MS = 60_000;
const TTL_S = QUEUE_TOLD_MS / 1_000;
/** Beyond, a user's kept answers are dropped: two sockets full of watches. */
const KEPT_MAX = 2_000;
const ASKED_MAX = { concurrencyMax: 32, waitingMax: 8_192 };

/**
 * Who shares a conversation with whom: asked of store, kept in Redis (`contacts:<user>`, a field
 * for each other one: when it was so) so that a mass reconnect asks Redis alone. Redis away: store
 * is asked. Strangers are not kept: what ends that is seen at once.
 */
export class Contacts {
  readonly #deps: Deps;
  readonly #gate = new Gate(ASKED_MAX);
  /** Users store is being asked about, and whether their answer is old already. */
  readonly #asked = new Map<UserId, { count: number; isOld: boolean }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Which of `userIds` (≤ 1000) the user may know of. Rejects where store is away. */
  async shared(userId: UserId, userIds: readonly UserId[], ageMsMax: number): Promise<Set<UserId>> {
    const shared = await this.#kept(userId, userIds, ageMsMax);
    const unknown = userIds.filter((other) => !shared.has(other));
    if (unknown.length === 0) return shared;
    for (const other of await this.#ask(userId, unknown)) shared.add(other);
    return shared;
  }

  /** As `shared`, as it is now; as it was a minute ago where store is away. Never rejects. */
  async sharedNow(userId: UserId, userIds: readonly UserId[]): Promise<Set<UserId>> {
    try {
      return new Set(await this.#ask(userId, userIds));
    } catch (error) {
      this.#failed(error);
      return await this.#kept(userId, userIds, UNTOLD_MS);
    }
  }

  /** Somebody has come to a conversation of theirs, or left. Rejects where Redis is away. */
  async drop(userIds: readonly UserId[]): Promise<void> {
    for (const userId of userIds) {
      const asked = this.#asked.get(userId);
      if (asked !== undefined) asked.isOld = true;
    }
    await this.#deps.redis.del(userIds.map(keyOf));
  }

  async #ask(userId: UserId, others: readonly UserId[]): Promise<readonly UserId[]> {
    const asked = this.#asked.get(userId) ?? { count: 0, isOld: false };
    this.#asked.set(userId, asked);
    asked.count += 1;
    try {
      const shared = await this.#gate.run(() => this.#deps.ask(userId, others));
      if (!asked.isOld) await this.#keep(userId, others, new Set(shared));
      return shared;
    } finally {
      asked.count -= 1;
      if (asked.count === 0) this.#asked.delete(userId);
    }
  }

  /** None where Redis is away. */
  async #kept(userId: UserId, others: readonly UserId[], ageMsMax: number): Promise<Set<UserId>> {
    const since = Date.now() - ageMsMax;
    try {
      const times = await this.#deps.redis.hmget(keyOf(userId), ...others);
      return new Set(others.filter((_, index) => Number(times[index] ?? Number.NaN) >= since));
    } catch (error) {
      this.#failed(error);
      return new Set();
    }
  }

  async #keep(userId: UserId, others: readonly UserId[], shared: Set<UserId>): Promise<void> {
    const { redis } = this.#deps;
    const key = keyOf(userId);
    const at = Date.now();
    const strangers = others.filter((other) => !shared.has(other));
    try {
      const [length] = await Promise.all([
        redis.hlen(key),
        shared.size > 0 && redis.hset(key, ...[...shared].flatMap((other) => [other, at])),
        strangers.length > 0 && redis.hdel(key, ...strangers),
        redis.expire(key, TTL_S),
      ]);
      if (length > KEPT_MAX) await redis.del(key);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#deps.logger.debug({ reason: (error as Error).name }, 'contacts not kept, or not asked');
  }
}

const keyOf = (userId: UserId): string => `contacts:${userId}`;
