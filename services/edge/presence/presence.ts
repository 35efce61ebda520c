import type { Redis } from 'ioredis';
import type { SharedContacts } from '../../../shared/contracts/contacts.ts';
import type { LiveEventOf } from '../../../shared/contracts/events.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { createAskStore } from '../../../shared/nats/rpc-clients.ts';
import { type Presence as Known, SETTLED_MS } from '../../../shared/presence/read-presence.ts';
import type { ServiceDeps } from '../../../shared/process/boot.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { PresenceEntry } from '../../../shared/protocol/presence.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { Subscriptions } from '../session/subscriptions.ts';
import type { AgentReports } from './agent-reports.ts';
import { Contacts } from './contacts.ts';
import { EdgeHeartbeat } from './edge-heartbeat.ts';
import { Incarnation } from './incarnation.ts';
import { OnlineUsers } from './online-users.ts';
import { type Change, PresenceRedis, presenceEntry, shownPresence } from './presence-redis.ts';
import { WatchedUsers } from './watched-users.ts';
import { Watches } from './watches.ts';

type Deps = ServiceDeps & {
  instance: string;
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  redis: Redis;
  /** Routers are told which users come and go, because some may be agents. */
  agents: Pick<AgentReports, 'tell'>;
  closers: Closers;
};

const SWEEP_MS = 250;
const ASK_MS = 2_500;
/**
 * A client sends a frame every 15 s. One that is silent for this long is gone, a second before its
 * socket is closed.
 */
const SILENT_MS = 29_000;

/**
 * Tells users who is online, as far as they may know. While Redis is away, everybody is unknown,
 * and nothing else suffers.
 */
export class Presence {
  readonly #deps: Deps;
  readonly #redis: PresenceRedis;
  readonly #incarnation: Incarnation;
  readonly #online: OnlineUsers;
  readonly #heartbeat: EdgeHeartbeat;
  readonly #users: WatchedUsers;
  readonly #contacts: Contacts;
  readonly #watches: Watches;
  readonly #sweeping: NodeJS.Timeout;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    const { bus, logger, instance } = deps;
    this.#deps = deps;
    const redis = new PresenceRedis(deps.redis);
    this.#redis = redis;
    const tell = (session: Session, userId: UserId, presence: Known): void =>
      this.#tell(session, userId, presence);
    this.#users = new WatchedUsers({ ...deps, redis, tell });
    const announce = (change: Change): void => {
      this.#users.announce(change);
      deps.agents.tell(change);
    };
    const incarnation = new Incarnation({ instance, redis });
    this.#incarnation = incarnation;
    this.#online = new OnlineUsers({ redis, incarnation, announce, logger });
    const onRecovered = (): void => this.#refreshLater();
    const beating = { redis, incarnation, announce, onRecovered, logger };
    this.#heartbeat = new EdgeHeartbeat(beating);
    const store = createAskStore(bus, ASK_MS);
    const ask = (user_id: UserId, user_ids: readonly UserId[]): Promise<SharedContacts> =>
      store('contacts.shared', { user_id, user_ids });
    this.#contacts = new Contacts({ redis: deps.redis, ask, logger });
    this.#watches = new Watches({
      ...deps,
      contacts: this.#contacts,
      users: this.#users,
      redis,
      tell,
    });
    this.#sweeping = setInterval(() => this.#sweep(Date.now()), SWEEP_MS);
    deps.redis.on('ready', () => this.#heartbeat.beat());
    bus.onReconnect(() => {
      this.#users.markUnsure();
      this.#refreshLater();
      this.#watches.checkAll(this.#deps.hub.sessions);
    });
    deps.closers.push('presence', () => this.close());
    this.#measure(deps.metrics);
  }

  /** Counts the session as present, once it is open. */
  opened(session: Session, userId: UserId): void {
    if (session.isPresent || session.state === 'closed') return;
    session.isPresent = true;
    this.#online.joined(userId);
  }

  closed(session: Session): void {
    this.#watches.closed(session);
    this.#leave(session, false);
  }

  conversationChanged(session: Session): void {
    this.#watches.conversationChanged(session);
  }

  watch(session: Session, userId: UserId, ids: readonly UserId[]): Promise<PresenceEntry[]> {
    return this.#watches.watch(session, userId, ids);
  }

  unwatch(session: Session, ids: readonly UserId[]): void {
    this.#watches.unwatch(session, ids);
  }

  /** Returns the presence of users once, for a REST call. */
  async read(userId: UserId, ids: readonly UserId[]): Promise<PresenceEntry[]> {
    const wanted = [...new Set(ids)];
    const known = new Map<UserId, Known>();
    try {
      const shared = this.#redis.isReady ? await this.#contacts.sharedNow(userId, wanted) : [];
      const ids = [...shared];
      const presences = ids.length === 0 ? [] : await this.#redis.read(ids);
      for (const [index, id] of ids.entries()) known.set(id, presences[index] as Known);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'presence not read');
    }
    return wanted.map((id) => presenceEntry(id, known.get(id)));
  }

  /** Closes presence. Another edge tells of users who do not come back elsewhere within 5 s. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    clearTimeout(this.#refreshing);
    await this.#watches.close();
    await this.#heartbeat.close();
    await this.#online.flushed();
    try {
      if (this.#redis.isReady) await this.#redis.handOver(this.#incarnation.name);
    } catch (error) {
      this.#deps.logger.debug({ reason: (error as Error).name }, 'presence not handed over');
    }
  }

  #leave(session: Session, isLate: boolean): void {
    const { userId, lastFrameAt } = session;
    if (!session.isPresent || userId === undefined) return;
    session.isPresent = false;
    const lastSeenAt = isLate ? lastFrameAt : Date.now();
    this.#online.left(userId, { lastSeenAt, isLate });
  }

  #sweep(nowMs: number): void {
    for (const session of this.#deps.hub.sessions) {
      if (session.state !== 'open' || session.userId === undefined) continue;
      const isSilent = nowMs - session.lastFrameAt > SILENT_MS;
      if (isSilent && session.isPresent) this.#leave(session, true);
      else if (!isSilent && !session.isPresent) this.opened(session, session.userId);
    }
    this.#online.sweep(nowMs);
  }

  #tell(session: Session, userId: UserId, presence: Known): void {
    if (session.state !== 'open') return;
    const event: LiveEventOf<'presence'> = { type: 'presence', ...shownPresence(userId, presence) };
    this.#deps.hub.sendSoon(session, event.type, JSON.stringify(event));
  }

  #refreshLater(): void {
    if (this.#users.size === 0) return;
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => {
      this.#users.refresh().catch((error: unknown) => {
        this.#deps.logger.debug({ err: error }, 'presence not refreshed');
        this.#refreshLater();
      });
    }, SETTLED_MS);
  }

  #measure({ gauge }: Metrics): void {
    gauge('kaha_edge_watched_users', 'Users watched here', () => this.#users.size);
    gauge('kaha_edge_presence_owed', 'Changes not in Redis yet', () => this.#online.owed);
  }
}
