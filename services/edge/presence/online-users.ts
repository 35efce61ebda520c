import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import {
  BATCH_MAX,
  type Change,
  type Gone,
  GRACE_MS,
  type PresenceRedis,
} from './presence-redis.ts';

type Deps = {
  redis: PresenceRedis;
  /** Told of each change, and again of what may have been lost on its way. */
  announce: (change: Change) => void;
  /** Redis knows this edge no more. */
  onLost: () => void;
  logger: Logger;
};
type Owed = { lastSeenAt: number; isRetry: boolean };
type Leaving = { dueAt: number; lastSeenAt: number };

/** Who left while Redis was away; beyond, the edge begins anew there once it is back. */
const DEPARTED_MAX = 100_000;

/**
 * Who has a session on this edge, and the way of it to Redis: batches of ≤ 500, one at a time,
 * kept until Redis has taken them. 10 000 who come at once are 20 round trips.
 *
 *     joined ──► owed ──► registered ──left──► leaving (5 s) ──► owed ──► gone
 */
export class OnlineUsers {
  readonly #deps: Deps;
  readonly #sessions = new Map<UserId, number>();
  /** By the time it is due. */
  readonly #leaving = new Map<UserId, Leaving>();
  readonly #owed = new Map<UserId, Owed>();
  readonly #registered = new Set<UserId>();
  #incarnation = '';
  #flushing: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Changes that Redis has not taken yet. */
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
   * The user closed a session at `lastSeenAt`. `isLate`: its client was silent for so long that the
   * time to come back is over.
   */
  left(userId: UserId, { lastSeenAt, isLate }: { lastSeenAt: number; isLate: boolean }): void {
    const sessions = (this.#sessions.get(userId) ?? 0) - 1;
    if (sessions > 0) {
      this.#sessions.set(userId, sessions);
      return;
    }
    this.#sessions.delete(userId);
    if (isLate) this.#owe(userId, lastSeenAt);
    else this.#leaving.set(userId, { dueAt: lastSeenAt + GRACE_MS, lastSeenAt });
  }

  /** To be called several times a second. */
  sweep(nowMs: number): void {
    for (const [userId, { dueAt, lastSeenAt }] of this.#leaving) {
      if (dueAt > nowMs) break;
      this.#leaving.delete(userId);
      this.#owe(userId, lastSeenAt);
    }
    if (this.#owed.size > 0) this.#flushing ??= this.#flushSoon();
  }

  /** Redis knows nothing of the new incarnation: all are owed to it. */
  beginAnew(incarnation: string): void {
    this.#incarnation = incarnation;
    this.#registered.clear();
    this.#forgetDeparted();
    for (const users of [this.#sessions, this.#leaving]) {
      for (const [userId] of users) this.#owe(userId, 0);
    }
  }

  /** Resolves when what was owed so far was tried. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  #isHere(userId: UserId): boolean {
    return this.#sessions.has(userId) || this.#leaving.has(userId);
  }

  #owe(userId: UserId, lastSeenAt: number): void {
    const isRetry = this.#owed.get(userId)?.isRetry ?? false;
    this.#owed.set(userId, { lastSeenAt, isRetry });
    if (this.#owed.size - this.#sessions.size <= DEPARTED_MAX) return;
    this.#forgetDeparted();
    this.#deps.onLost();
  }

  #forgetDeparted(): void {
    for (const [userId] of this.#owed) if (!this.#isHere(userId)) this.#owed.delete(userId);
  }

  /** What comes in one turn of the event loop goes together. */
  async #flushSoon(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#owed.size > 0 && this.#deps.redis.isReady && this.#incarnation !== '') {
        if (!(await this.#flush())) break;
      }
    } finally {
      this.#flushing = undefined;
    }
  }

  /** False: it is tried again with the next sweep. */
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
      // It may have been carried out: what has changed is told again then.
      for (const [userId, { lastSeenAt }] of batch) {
        this.#owed.set(userId, { lastSeenAt, isRetry: true });
      }
      return false;
    }
  }

  async #carryOut(batch: readonly [UserId, Owed][]): Promise<void> {
    const { redis, announce, onLost } = this.#deps;
    const incarnation = this.#incarnation;
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
    if (gone.length > 0) tell(await redis.unregister(incarnation, gone));
    if (here.length === 0) return;
    const changes = await redis.register(incarnation, here);
    if (changes === undefined) {
      for (const userId of here) this.#owed.set(userId, { lastSeenAt: 0, isRetry: false });
      onLost();
      throw new Error('the incarnation is not known');
    }
    if (incarnation === this.#incarnation) for (const userId of here) this.#registered.add(userId);
    tell(changes);
  }
}
