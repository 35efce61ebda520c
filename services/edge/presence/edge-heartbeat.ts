import type { Logger } from '../../../shared/process/logger.ts';
import type { Incarnation } from './incarnation.ts';
import type { Change, Others, PresenceRedis } from './presence-redis.ts';

type Deps = {
  incarnation: Incarnation;
  redis: PresenceRedis;
  announce: (change: Change) => void;
  /**
   * The edge may be wrong about users: Redis was away or has lost its data, or another edge died,
   * perhaps after it wrote a change and before it told it.
   */
  onDoubt: () => void;
  logger: Logger;
};

/**
 * Sends the heartbeat of this edge to Redis, one command however many users the edge holds, and
 * clears up after edges without a heartbeat. It sends one at once when the incarnation is lost.
 *
 * An edge is dead after 6 s without a heartbeat. If two heartbeats of this edge in a row find it
 * dead, the edge that gets the lease clears up after it. Waiting for the second heartbeat lets the
 * other edges beat again after Redis was away for some seconds, or after its clock was set. For an
 * edge that has closed, each heartbeat returns when the grace period of its users ends.
 */
export class EdgeHeartbeat {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #isInterrupted = false;
  #since = '';
  #suspects = new Set<string>();
  /** These edges have closed; each timer runs until the grace period of their users ends. */
  readonly #closed = new Map<string, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.beat(), deps.redis.times.beatMs);
    deps.incarnation.onLost(() => this.beat());
  }

  /** Sends a heartbeat at once, unless one is under way. */
  beat(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#closed.values()) clearTimeout(timer);
    await Promise.all([this.#running, ...this.#ending]);
  }

  async #run(): Promise<void> {
    const { logger, onDoubt } = this.#deps;
    try {
      const { dead, closed } = await this.#beatOnce();
      for (const { incarnation, dueInMs } of closed) this.#endLater(incarnation, dueInMs);
      const due = dead.filter((other) => this.#suspects.has(other));
      if (due.length < dead.length) onDoubt();
      this.#suspects = new Set(dead);
      for (const other of due) await this.#clearUpAlone(other);
    } catch (error) {
      this.#isInterrupted = true;
      this.#suspects.clear();
      logger.debug({ reason: (error as Error).name }, 'no heartbeat in redis');
    }
  }

  async #beatOnce(): Promise<Others> {
    const { incarnation, onDoubt } = this.#deps;
    const others = await incarnation.beat();
    if (this.#isInterrupted || others.since !== this.#since) onDoubt();
    this.#isInterrupted = false;
    this.#since = others.since;
    const dead = others.dead.filter((other) => other !== incarnation.name);
    return { ...others, dead };
  }

  /**
   * Ends a closed edge after `dueInMs`. If this fails, a later heartbeat finds the edge due at
   * once.
   */
  #endLater(incarnation: string, dueInMs: number): void {
    if (this.#closed.has(incarnation)) return;
    const timer = setTimeout(() => {
      const ending = this.#end(incarnation).finally(() => {
        this.#closed.delete(incarnation);
        this.#ending.delete(ending);
      });
      this.#ending.add(ending);
    }, dueInMs);
    this.#closed.set(incarnation, timer);
  }

  async #end(incarnation: string): Promise<void> {
    const { logger } = this.#deps;
    try {
      await this.#clearUpAlone(incarnation);
    } catch (error) {
      logger.debug({ reason: (error as Error).name }, 'users of a closed edge not told');
    }
  }

  /** Clears up if no other edge has the lease to do so. */
  async #clearUpAlone(dead: string): Promise<void> {
    const { redis, incarnation } = this.#deps;
    if (await redis.lease(dead, incarnation.name)) await this.#clearUp(dead);
  }

  /**
   * Clears up in batches. Each batch is announced before it is forgotten, so that an edge that
   * takes over announces it again.
   */
  async #clearUp(dead: string): Promise<void> {
    const { redis, announce, logger } = this.#deps;
    let count = 0;
    for (;;) {
      const { users, heardAt } = await redis.usersOf(dead);
      if (users.length === 0) break;
      const gone = users.map((userId) => ({ userId, lastSeenAt: heardAt }));
      for (const change of await redis.unregister(dead, gone, true)) {
        if (change.status === 'offline') announce(change);
      }
      await redis.forget(dead, users);
      await redis.renew(dead);
      count += users.length;
    }
    await redis.removeIncarnation(dead);
    if (count > 0) logger.info({ users: count }, 'cleared up after another edge');
  }
}
