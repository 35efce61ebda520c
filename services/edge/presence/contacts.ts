import type { Redis } from 'ioredis';

import { Gate } from '../../../shared/concurrency/gate.ts';
import type { SharedContacts } from '../../../shared/contracts/contacts.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';

type Deps = {
  redis: Redis;
  /** Asks store which of these users share a conversation with the user. */
  ask: (userId: UserId, userIds: readonly UserId[]) => Promise<SharedContacts>;
  logger: Logger;
};

/**
 * A kept answer may be this old where the device's queue is surely complete. Each change of a
 * conversation of people comes through the queue, and makes the edge drop the kept answers.
 */
export const QUEUE_TOLD_MS = 24 * 3_600_000;
/**
 * A kept answer may only be this old where nothing tells of changes: for a device whose queue is
 * new, and for REST while store is away.
 */
export const UNTOLD_MS = 60_000;
const TTL_S = QUEUE_TOLD_MS / 1_000;
/** A kept answer from further ahead was kept by a clock that was wrong, and counts as too old. */
const CLOCKS_APART_MS = 60_000;
/** A user's kept answers are dropped beyond this number, which is two sockets full of watches. */
const KEPT_MAX = 2_000;
const ASKED_MAX = { concurrencyMax: 32, waitingMax: 8_192 };

/**
 * Knows which users share a conversation. Answers come from store and are kept in Redis
 * (`contacts:<user>`, with a field for each contact: the time at which store said so), so that a
 * mass reconnect asks Redis alone. While Redis is away, store is asked. The edge does not keep that
 * two users share nothing, because it must see at once when they begin to share a conversation. It
 * does not keep either that they share only conversations of businesses, because nothing in the
 * queue of a customer tells that an agent gave theirs back.
 */
export class Contacts {
  readonly #deps: Deps;
  readonly #gate = new Gate(ASKED_MAX);
  /**
   * Store is being asked about these users. `isOld` says that the answer is already out of date.
   */
  readonly #asked = new Map<UserId, { count: number; isOld: boolean }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Returns those of `userIds` (≤ 1000) that the user may know of. Rejects where store is away. */
  async shared(userId: UserId, userIds: readonly UserId[], ageMsMax: number): Promise<Set<UserId>> {
    const shared = await this.#kept(userId, userIds, ageMsMax);
    const unknown = userIds.filter((other) => !shared.has(other));
    if (unknown.length === 0) return shared;
    for (const other of await this.#ask(userId, unknown)) shared.add(other);
    return shared;
  }

  /**
   * Returns the same as `shared`, but as it is now, or as it was up to a minute ago where store is
   * away. Never rejects.
   */
  async sharedNow(userId: UserId, userIds: readonly UserId[]): Promise<Set<UserId>> {
    try {
      return new Set(await this.#ask(userId, userIds));
    } catch (error) {
      this.#failed(error);
      return await this.#kept(userId, userIds, UNTOLD_MS);
    }
  }

  /**
   * Drops the kept answers of users in whose conversations somebody came or left. Rejects where
   * Redis is away.
   */
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
      const { user_ids: shared, passing_ids: passing } = await this.#gate.run(() =>
        this.#deps.ask(userId, others),
      );
      const lasting = new Set(shared);
      for (const other of passing) lasting.delete(other);
      if (!asked.isOld) await this.#keep(userId, others, lasting);
      return shared;
    } finally {
      asked.count -= 1;
      if (asked.count === 0) this.#asked.delete(userId);
    }
  }

  /** Returns the kept answers that are young enough, and none where Redis is away. */
  async #kept(userId: UserId, others: readonly UserId[], ageMsMax: number): Promise<Set<UserId>> {
    const now = Date.now();
    try {
      const times = await this.#deps.redis.hmget(keyOf(userId), ...others);
      const isYoung = (at: number): boolean => at >= now - ageMsMax && at <= now + CLOCKS_APART_MS;
      return new Set(others.filter((_, index) => isYoung(Number(times[index] ?? Number.NaN))));
    } catch (error) {
      this.#failed(error);
      return new Set();
    }
  }

  async #keep(userId: UserId, others: readonly UserId[], lasting: Set<UserId>): Promise<void> {
    const { redis } = this.#deps;
    const key = keyOf(userId);
    const at = Date.now();
    const strangers = others.filter((other) => !lasting.has(other));
    try {
      const [length] = await Promise.all([
        redis.hlen(key),
        lasting.size > 0 && redis.hset(key, ...[...lasting].flatMap((other) => [other, at])),
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
