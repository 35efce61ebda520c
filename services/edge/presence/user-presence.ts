import type { Redis } from 'ioredis';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Presence, PresenceTimes } from '../../../shared/presence/read-presence.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Session } from '../session/session.ts';
import type { Subscriptions } from '../session/subscriptions.ts';
import { EdgeHeartbeat } from './edge-heartbeat.ts';
import { Incarnation } from './incarnation.ts';
import { OnlineUsers } from './online-users.ts';
import { type Change, PresenceRedis } from './presence-redis.ts';
import { WatchRefresh } from './watch-refresh.ts';
import { WatchedUsers } from './watched-users.ts';

type Deps = {
  instance: string;
  bus: Pick<Bus, 'publish' | 'connected' | 'nc'>;
  subscriptions: Pick<Subscriptions, 'add' | 'remove'>;
  redis: Redis;
  /** Tells a watching session that the presence of a user changed. */
  tell: (session: Session, userId: UserId, presence: Presence) => void;
  /** A user came to this edge or left it, and was nowhere else. */
  onChange: (change: Change) => void;
  logger: Logger;
  times?: PresenceTimes;
};

/**
 * Knows which users are online on any edge. `online` tells Redis who is here, and `watched` knows
 * of those who are watched here. After Redis was away or has lost its data, it tells Redis anew who
 * is here, and once Redis knows all users again, it reads those who are watched.
 */
export class UserPresence {
  readonly redis: PresenceRedis;
  readonly online: OnlineUsers;
  readonly watched: WatchedUsers;
  readonly #incarnation: Incarnation;
  readonly #heartbeat: EdgeHeartbeat;
  readonly #refresh: WatchRefresh;
  readonly #logger: Logger;

  constructor({ redis: client, times, instance, bus, onChange, ...deps }: Deps) {
    const { logger } = deps;
    this.#logger = logger;
    const redis = new PresenceRedis(client, times);
    this.redis = redis;
    const onUnknown = (): void => this.#refresh.due();
    this.watched = new WatchedUsers({ ...deps, bus, redis, onUnknown });
    this.#refresh = new WatchRefresh({ redis, users: this.watched, logger });
    const announce = (change: Change): void => {
      // The refresh tells watchers who is offline, once Redis knows that they are nowhere else.
      if (change.isSure) this.watched.announce(change);
      onChange(change);
    };
    const incarnation = new Incarnation({ instance, redis });
    this.#incarnation = incarnation;
    this.online = new OnlineUsers({ redis, incarnation, announce, logger });
    const onDoubt = (): void => this.doubtAll();
    this.#heartbeat = new EdgeHeartbeat({ redis, incarnation, announce, onDoubt, logger });
    client.on('ready', () => this.#heartbeat.beat());
  }

  /** Changes may have been missed, so nobody who is watched is known until read again. */
  doubtAll(): void {
    this.watched.markUnsure();
    this.#refresh.due();
  }

  /** Another edge tells of users who do not come back elsewhere within the grace period. */
  async close(): Promise<void> {
    await this.#refresh.close();
    await this.#heartbeat.close();
    await this.online.flushed();
    try {
      if (this.redis.isReady) await this.redis.handOver(this.#incarnation.name);
    } catch (error) {
      this.#logger.debug({ reason: (error as Error).name }, 'presence not handed over');
    }
  }
}
