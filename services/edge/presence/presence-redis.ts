import type { Redis } from 'ioredis';
import type { UserId } from '../../../shared/ids.ts';
import {
  BATCH_MAX,
  type Known,
  PRESENCE_TIMES,
  type Presence,
  type PresenceTimes,
  presenceKeys,
  presenceOf,
  readPresence,
} from '../../../shared/presence/read-presence.ts';
import type { PresenceEntry } from '../../../shared/protocol/presence.ts';
import { BEAT, HAND_OVER, REGISTER, UNREGISTER } from './presence-scripts.ts';

export type Change = Presence & {
  userId: UserId;
  isChanged: boolean;
  /** Redis knows all users. Until it does, a user who is offline here may be online elsewhere. */
  isSure: boolean;
};
export type Gone = { userId: UserId; lastSeenAt: number };
/**
 * Other edges may be dead, or may have closed; the grace period of the users of a closed one ends
 * in `dueInMs`. Redis has known users since the heartbeat at `since`, without a gap.
 */
export type Others = {
  dead: string[];
  closed: { incarnation: string; dueInMs: number }[];
  since: string;
};

const { edges: EDGES, since: SINCE, user: hashKey } = presenceKeys;
const CLOSED = 'presence:closed';

type Outcome = [changed: number, at: string, online?: number];

/** Runs the scripts with their keys. Every call rejects where Redis is away or late. */
export class PresenceRedis {
  readonly times: PresenceTimes;
  readonly #redis: Redis;

  constructor(redis: Redis, times = PRESENCE_TIMES) {
    this.#redis = redis;
    this.times = times;
  }

  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  /**
   * Sends a heartbeat. Returns the dead and the closed edges, ≤ 16 of each, or undefined where
   * Redis no longer knows this incarnation.
   */
  async beat(incarnation: string, isFirst: boolean): Promise<Others | undefined> {
    const { deadAfterMs, graceMs, settledMs } = this.times;
    const args = [incarnation, isFirst ? 1 : 0, deadAfterMs, graceMs, settledMs];
    const reply = await this.#eval(BEAT, [EDGES, CLOSED, SINCE], args);
    const [known, dead, closed, since] = reply as [number, string[], [string, number][], string];
    if (known !== 1) return undefined;
    const ending = closed.map(([name, dueInMs]) => ({ incarnation: name, dueInMs }));
    return { dead, closed: ending, since };
  }

  /**
   * This edge has closed. Another edge tells of users who do not come back within the grace period.
   */
  async handOver(incarnation: string): Promise<void> {
    await this.#eval(HAND_OVER, [EDGES, CLOSED], [incarnation, this.times.graceMs]);
  }

  /** Registers ≤ 500 users. Returns undefined where Redis no longer knows this incarnation. */
  async register(incarnation: string, users: readonly UserId[]): Promise<Change[] | undefined> {
    const keys = [EDGES, usersKey(incarnation), ...users.map(hashKey)];
    const outcomes = await this.#eval(REGISTER, keys, [incarnation, ...users]);
    if (outcomes === 0) return undefined;
    return (outcomes as Outcome[]).map(([changed, at], index) => ({
      ...presenceOf(true, at),
      userId: users[index] as UserId,
      isChanged: changed === 1,
      isSure: true,
    }));
  }

  /**
   * Removes ≤ 500 users from the incarnation. With `isKept`, they stay in its set until `forget`.
   */
  async unregister(incarnation: string, gone: readonly Gone[], isKept = false): Promise<Change[]> {
    const keys = [usersKey(incarnation), SINCE, ...gone.map(({ userId }) => hashKey(userId))];
    const pairs = gone.flatMap(({ userId, lastSeenAt }) => [userId, lastSeenAt]);
    const args = [incarnation, isKept ? 1 : 0, this.times.settledMs, ...pairs];
    const [all, outcomes] = (await this.#eval(UNREGISTER, keys, args)) as [number, Outcome[]];
    return outcomes.map(([changed, at, online], index) => ({
      ...presenceOf(online === 1, at),
      userId: (gone[index] as Gone).userId,
      isChanged: changed === 1,
      isSure: all === 1 || online === 1,
    }));
  }

  /**
   * Returns the presence of ≤ 500 users, in their order. It is undefined where Redis does not know
   * it now.
   */
  async read(users: readonly UserId[]): Promise<(Presence | undefined)[]> {
    return (await readPresence(this.#redis, users, this.times)).presences;
  }

  async known(): Promise<Known> {
    return (await readPresence(this.#redis, [], this.times)).known;
  }

  /**
   * Returns true where this edge alone may now clear up after the dead one, for as long as this
   * edge would count as alive itself.
   */
  async lease(dead: string, owner: string): Promise<boolean> {
    const { deadAfterMs } = this.times;
    return (await this.#redis.set(leaseKey(dead), owner, 'PX', deadAfterMs, 'NX')) === 'OK';
  }

  async renew(dead: string): Promise<void> {
    await this.#redis.pexpire(leaseKey(dead), this.times.deadAfterMs);
  }

  /**
   * Returns some of the users of an edge that is dead or closed, and when the edge was last heard.
   */
  async usersOf(dead: string): Promise<{ users: UserId[]; heardAt: number }> {
    const [users, heardAt, dueAt] = await Promise.all([
      this.#redis.srandmember(usersKey(dead), BATCH_MAX),
      this.#redis.zscore(EDGES, dead),
      this.#redis.zscore(CLOSED, dead),
    ]);
    const closedAt = dueAt === null ? 0 : Number(dueAt) - this.times.graceMs;
    return { users: users as UserId[], heardAt: Number(heardAt ?? closedAt) };
  }

  async forget(dead: string, users: readonly UserId[]): Promise<void> {
    await this.#redis.srem(usersKey(dead), ...users);
  }

  /** Nothing says any more when the user was here. */
  async forgetUser(userId: UserId): Promise<void> {
    await this.#redis.del(hashKey(userId));
  }

  async removeIncarnation(dead: string): Promise<void> {
    await Promise.all([this.#redis.zrem(EDGES, dead), this.#redis.zrem(CLOSED, dead)]);
    await this.#redis.del(usersKey(dead), leaseKey(dead));
  }

  #eval(script: string, keys: string[], args: (string | number)[]): Promise<unknown> {
    return this.#redis.eval(script, keys.length, ...keys, ...args);
  }
}

const usersKey = (incarnation: string): string => `edge:${incarnation}:users`;
const leaseKey = (incarnation: string): string => `edge:${incarnation}:lease`;

/** Returns a presence as the protocol shows it; without one, the status is unknown. */
export function presenceEntry(userId: UserId, presence: Presence | undefined): PresenceEntry {
  return presence ? shownPresence(userId, presence) : { user_id: userId, status: 'unknown' };
}

/** Returns a known presence as the protocol shows it. */
export function shownPresence(userId: UserId, { status, lastSeenAt }: Presence) {
  const seen = lastSeenAt && { last_seen_at: new Date(lastSeenAt).toISOString() };
  return { user_id: userId, status, ...seen };
}
