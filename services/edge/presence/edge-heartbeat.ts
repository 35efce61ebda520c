import { newId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Change, Others, PresenceRedis } from './presence-redis.ts';

type Deps = {
  instance: string;
  redis: PresenceRedis;
  announce: (change: Change) => void;
  /** Redis is to be told of all users here, under this incarnation. */
  onIncarnation: (incarnation: string) => void;
  /** Redis was away or has lost its data, so what the edge learnt of it may be wrong. */
  onRecovered: () => void;
  logger: Logger;
};

const BEAT_MS = 4_000;

/**
 * Sends the heartbeat of this edge to Redis, one command however many users the edge holds, and
 * clears up after edges without a heartbeat. An incarnation is one stretch of time in which Redis
 * knows an edge. An edge that was taken for dead, or that Redis has forgotten, begins a new
 * incarnation, so that clearing up the old one hits no user of the new one.
 *
 * An edge is dead after 12 s without a heartbeat. If two heartbeats of this edge in a row find it
 * dead, the edge that gets the lease clears up after it. Waiting for the second heartbeat lets the
 * other edges report again after Redis was away. For an edge that has closed, each heartbeat
 * returns when the grace period of its users ends.
 */
export class EdgeHeartbeat {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #incarnation = '';
  #isKnown = false;
  #isInterrupted = false;
  #suspects = new Set<string>();
  /** These edges have closed; each timer runs until the grace period of their users ends. */
  readonly #closed = new Map<string, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.beat(), BEAT_MS);
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** Sends a heartbeat at once, unless one is under way. */
  beat(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** The next heartbeat begins a new incarnation. */
  renew(): void {
    this.#isKnown = false;
    this.beat();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#closed.values()) clearTimeout(timer);
    await Promise.all([this.#running, ...this.#ending]);
  }

  async #run(): Promise<void> {
    const { redis, logger } = this.#deps;
    try {
      const { dead, closed } = await this.#beatOnce();
      for (const { incarnation, dueInMs } of closed) this.#endLater(incarnation, dueInMs);
      const due = dead.filter((incarnation) => this.#suspects.has(incarnation));
      this.#suspects = new Set(dead);
      for (const incarnation of due) {
        if (await redis.lease(incarnation, this.#incarnation)) await this.#clearUp(incarnation);
      }
    } catch (error) {
      this.#isInterrupted = true;
      this.#suspects.clear();
      logger.debug({ reason: (error as Error).name }, 'no heartbeat in redis');
    }
  }

  async #beatOnce(): Promise<Others> {
    const { redis, onRecovered, onIncarnation, instance } = this.#deps;
    const wasKnown = this.#isKnown;
    let others = wasKnown ? await redis.beat(this.#incarnation, false) : undefined;
    if (others === undefined) {
      this.#isKnown = false;
      const incarnation = `${instance}.${newId<string>().slice(0, 8)}`;
      others = (await redis.beat(incarnation, true)) ?? { dead: [], closed: [] };
      this.#incarnation = incarnation;
      this.#isKnown = true;
      onIncarnation(incarnation);
    }
    if (this.#isInterrupted || !wasKnown) onRecovered();
    this.#isInterrupted = false;
    const dead = others.dead.filter((incarnation) => incarnation !== this.#incarnation);
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
    const { redis, logger } = this.#deps;
    try {
      if (await redis.lease(incarnation, this.#incarnation)) await this.#clearUp(incarnation);
    } catch (error) {
      logger.debug({ reason: (error as Error).name }, 'users of a closed edge not told');
    }
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
