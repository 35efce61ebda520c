import type { UserId } from '../../../shared/ids.ts';
import { BATCH_MAX } from '../../../shared/presence/read-presence.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Incarnation } from './incarnation.ts';
import type { Change, Gone, PresenceRedis } from './presence-redis.ts';

type Deps = {
  redis: PresenceRedis;
  incarnation: Incarnation;
  /**
   * Announces a change. It is called for each change, and again where an announcement may have been
   * lost.
   */
  announce: (change: Change) => void;
  logger: Logger;
};
type Owed = { lastSeenAt: number; isRetry: boolean };
/** The grace period ends at `dueAt`, by `steadyMs`. */
type Leaving = { dueAt: number; lastSeenAt: number };
type Left = { nowMs: number; lastSeenAt: number; isLate: boolean };

/**
 * The edge keeps this many users who left while Redis is away. Beyond, it forgets them, and begins
 * a new incarnation once Redis is back.
 */
const DEPARTED_MAX = 100_000;

/**
 * Knows which users have a session on this edge, and tells Redis: in batches of ≤ 500, one at a
 * time, kept until Redis has taken them. 10 000 users who come at once are 20 round trips.
 *
 *     joined ──► owed ──► registered ──left──► leaving (5 s) ──► owed ──► gone
 */
export class OnlineUsers {
  readonly #deps: Deps;
  readonly #sessions = new Map<UserId, number>();
  /** The users stand in the order in which they are due. */
  readonly #leaving = new Map<UserId, Leaving>();
  readonly #owed = new Map<UserId, Owed>();
  readonly #registered = new Set<UserId>();
  #flushing: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.incarnation.onBegun(() => this.#beginAnew());
  }

  /** Counts the changes that Redis has not taken yet. */
  get owed(): number {
    return this.#owed.size;
  }

  joined(userId: UserId): void {
    this.#sessions.set(userId, (this.#sessions.get(userId) ?? 0) + 1);
    this.#leaving.delete(userId);
    if (this.#registered.has(userId)) return;
    this.#owe(userId, 0);
    this.#flushing ??= this.#flushSoon();
  }

  /**
   * The user closed a session, and was last seen at `lastSeenAt`, in epoch ms. `isLate` says that
   * its client was silent for so long that the grace period is over.
   */
  left(userId: UserId, { nowMs, lastSeenAt, isLate }: Left): void {
    const sessions = (this.#sessions.get(userId) ?? 0) - 1;
    if (sessions > 0) {
      this.#sessions.set(userId, sessions);
      return;
    }
    this.#sessions.delete(userId);
    if (isLate) this.#owe(userId, lastSeenAt);
    else this.#leaving.set(userId, { dueAt: nowMs + this.#deps.redis.times.graceMs, lastSeenAt });
  }

  /**
   * Ends the grace period of users who did not come back, and tries again what Redis did not take.
   * The edge calls this several times a second.
   */
  sweep(nowMs: number): void {
    for (const [userId, { dueAt, lastSeenAt }] of this.#leaving) {
      if (dueAt > nowMs) break;
      this.#leaving.delete(userId);
      this.#owe(userId, lastSeenAt);
    }
    if (this.#owed.size > 0) this.#flushing ??= this.#flushSoon();
  }

  /** Resolves when the edge has tried all changes that were owed so far. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  /** Redis knows nothing of the new incarnation, so all users are owed to it. */
  #beginAnew(): void {
    this.#registered.clear();
    this.#forgetDeparted();
    for (const users of [this.#sessions, this.#leaving]) {
      for (const [userId] of users) this.#owe(userId, 0);
    }
  }

  #isHere(userId: UserId): boolean {
    return this.#sessions.has(userId) || this.#leaving.has(userId);
  }

  #owe(userId: UserId, lastSeenAt: number): void {
    const isRetry = this.#owed.get(userId)?.isRetry ?? false;
    this.#owed.set(userId, { lastSeenAt, isRetry });
    if (this.#owed.size - this.#sessions.size <= DEPARTED_MAX) return;
    this.#forgetDeparted();
    this.#deps.incarnation.lose();
  }

  #forgetDeparted(): void {
    for (const [userId] of this.#owed) if (!this.#isHere(userId)) this.#owed.delete(userId);
  }

  /** Sends the changes of one turn of the event loop together. */
  async #flushSoon(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const { redis, incarnation } = this.#deps;
    try {
      while (this.#owed.size > 0 && redis.isReady && incarnation.name !== '') {
        if (!(await this.#flush())) break;
      }
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Sends one batch. Returns false where that failed; the next sweep tries it again. */
  async #flush(): Promise<boolean> {
    const batch: [UserId, Owed][] = [];
    for (const entry of this.#owed) {
      batch.push(entry);
      if (batch.length === BATCH_MAX) break;
    }
    for (const [userId] of batch) this.#owed.delete(userId);
    try {
      await this.#carryOut(batch);
      return true;
    } catch (error) {
      this.#deps.logger.debug({ reason: (error as Error).name }, 'presence not written');
      // Redis may have taken the batch, so the next try announces its changes in any case.
      for (const [userId, { lastSeenAt }] of batch) {
        this.#owed.set(userId, { lastSeenAt, isRetry: true });
      }
      return false;
    }
  }

  async #carryOut(batch: readonly [UserId, Owed][]): Promise<void> {
    const { redis, announce, incarnation } = this.#deps;
    const { name } = incarnation;
    const here = batch.flatMap(([userId]) => (this.#isHere(userId) ? userId : []));
    const gone = batch.flatMap(([userId, { lastSeenAt }]): Gone[] =>
      this.#isHere(userId) ? [] : [{ userId, lastSeenAt }],
    );
    const retried = new Set(batch.flatMap(([userId, { isRetry }]) => (isRetry ? userId : [])));
    const tell = (changes: readonly Change[]): void => {
      for (const change of changes) {
        if (change.isChanged || retried.has(change.userId)) announce(change);
      }
    };
    for (const { userId } of gone) this.#registered.delete(userId);
    if (gone.length > 0) tell(await redis.unregister(name, gone));
    if (here.length === 0) return;
    const changes = await redis.register(name, here);
    if (changes === undefined) {
      for (const userId of here) this.#owed.set(userId, { lastSeenAt: 0, isRetry: false });
      // If a new incarnation has begun meanwhile, giving it up would leave its users in Redis.
      if (name === incarnation.name) incarnation.lose();
      throw new Error('the incarnation is not known');
    }
    if (name === incarnation.name) for (const userId of here) this.#registered.add(userId);
    tell(changes);
  }
}
