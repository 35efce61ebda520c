import { once } from 'node:events';
import { Redis } from 'ioredis';
import { UserPresence } from '../../services/edge/presence/user-presence.ts';
import type { Session } from '../../services/edge/session/session.ts';
import type { LeanSubscription } from '../../services/edge/session/subscriptions.ts';
import type { UserId } from '../../shared/ids.ts';
import type { Msg } from '../../shared/nats/bus.ts';
import type { PresenceTimes } from '../../shared/presence/read-presence.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import { createLogger } from '../../shared/process/logger.ts';

export type Status = 'online' | 'offline' | 'unknown';
/** The edges of a round hear each other's signals by this set. */
export type Line = Set<PresenceEdge>;
type Options = { instance: string; redisUrl: string; line: Line; times: PresenceTimes };

/** Sweeps come five times as often as those of an edge, as all times of a round are shorter. */
const SWEEP_MS = 50;
const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });

/**
 * This is what an edge knows of who is online, with a Redis of its own connection and without
 * sockets. One session of it watches users, and `heard` has what it was told of each last.
 */
export class PresenceEdge {
  readonly heard = new Map<UserId, Status>();
  /** The watching session was told these statuses, of any user. */
  readonly told: Status[] = [];
  readonly presence: UserPresence;
  readonly #line: Line;
  readonly #redis: Redis;
  readonly #watcher = {} as Session;
  readonly #subscriptions = new Set<LeanSubscription<unknown>>();
  readonly #sweeping: NodeJS.Timeout;

  private constructor(redis: Redis, { instance, line, times }: Options) {
    this.#redis = redis;
    this.#line = line;
    this.presence = new UserPresence({
      ...{ instance, redis, times, logger, onChange: () => undefined },
      bus: {
        connected: true,
        nc: { flush: async () => undefined } as never,
        publish: (subject, payload) => this.#publish(subject, Buffer.from(payload as string)),
      },
      subscriptions: {
        add: (subscription) => {
          this.#subscriptions.add(subscription as LeanSubscription<unknown>);
          return subscription;
        },
        remove: (subscription) => {
          this.#subscriptions.delete(subscription as LeanSubscription<unknown>);
        },
      },
      tell: (_, userId, { status }) => {
        this.heard.set(userId, status);
        this.told.push(status);
      },
    });
    this.#sweeping = setInterval(() => this.presence.online.sweep(steadyMs()), SWEEP_MS);
    line.add(this);
  }

  static async start(options: Options): Promise<PresenceEdge> {
    const redis = new Redis(options.redisUrl, { enableOfflineQueue: false });
    redis.on('error', (error) => void error);
    const edge = new PresenceEdge(redis, options);
    await once(redis, 'ready');
    return edge;
  }

  get isAlive(): boolean {
    return this.#line.has(this);
  }

  async watch(users: readonly UserId[]): Promise<void> {
    const { watched } = this.presence;
    await watched.watch(this.#watcher, users);
    for (const userId of users) {
      const status = watched.get(userId)?.status ?? 'unknown';
      this.heard.set(userId, status);
      if (status === 'unknown') watched.owe(this.#watcher, userId);
    }
  }

  async read(users: readonly UserId[]): Promise<Status[]> {
    const presences = await this.presence.redis.read(users);
    return presences.map((presence) => presence?.status ?? 'unknown');
  }

  /** Sends a heartbeat at once, as an edge does whose Redis has come back. */
  beat(): void {
    this.#redis.emit('ready');
  }

  /** The edge tells others nothing from now on, as in the last moment before it dies. */
  mute(): void {
    this.#line.delete(this);
  }

  /** The process is gone from one moment to the next: nobody hears from it again. */
  kill(): void {
    this.#line.delete(this);
    clearInterval(this.#sweeping);
    this.#redis.disconnect();
  }

  async close(): Promise<void> {
    this.kill();
    await this.presence.close();
  }

  #publish(subject: string, data: Uint8Array): boolean {
    if (!this.isAlive) return false;
    for (const edge of this.#line) setImmediate(() => edge.#receive(subject, data));
    return true;
  }

  #receive(subject: string, data: Uint8Array): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.subject === subject) subscription.callback(null, { data } as Msg);
    }
  }
}
