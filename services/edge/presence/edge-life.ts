import { newId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { Change, PresenceRedis } from './presence-redis.ts';

type Deps = {
  instance: string;
  redis: PresenceRedis;
  announce: (change: Change) => void;
  /** Redis is to be told of all users here, as of this incarnation. */
  onIncarnation: (incarnation: string) => void;
  /** Redis was away, or has lost what it held: what was learnt of it may be wrong. */
  onRecovered: () => void;
  logger: Logger;
};

const BEAT_MS = 4_000;

/**
 * The heartbeat of this edge in Redis, one command whatever it holds, and the end of edges without
 * one. An incarnation is one stretch of being known to Redis: an edge that was taken for dead, or
 * that Redis has forgotten, begins a new one, so that what is cleared up of the old hits nobody.
 *
 * Who is dead (12 s without a heartbeat) in two of our heartbeats running is cleared up by the edge
 * that gets the lease; the second look gives others their time when Redis itself was away.
 */
export class EdgeLife {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #incarnation = '';
  #isKnown = false;
  #isInterrupted = false;
  #suspects = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.beat(), BEAT_MS);
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** At once, unless one is under way. */
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
    await this.#running;
  }

  async #run(): Promise<void> {
    const { redis, logger } = this.#deps;
    try {
      const dead = await this.#beatOnce();
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

  async #beatOnce(): Promise<string[]> {
    const { redis, onRecovered, onIncarnation, instance } = this.#deps;
    const wasKnown = this.#isKnown;
    let dead = wasKnown ? await redis.beat(this.#incarnation, false) : undefined;
    if (dead === undefined) {
      this.#isKnown = false;
      const incarnation = `${instance}.${newId<string>().slice(0, 8)}`;
      dead = (await redis.beat(incarnation, true)) ?? [];
      this.#incarnation = incarnation;
      this.#isKnown = true;
      onIncarnation(incarnation);
    }
    if (this.#isInterrupted || !wasKnown) onRecovered();
    this.#isInterrupted = false;
    return dead.filter((incarnation) => incarnation !== this.#incarnation);
  }

  /** Each batch is told before it is forgotten: who takes over from us tells it again. */
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
    await redis.bury(dead);
    logger.info({ users: count }, 'cleared up after a dead edge');
  }
}
