import type { Redis } from 'ioredis';
import type { SharedContacts } from '../../../shared/contracts/contacts.ts';
import type { LiveEventOf } from '../../../shared/contracts/events.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { createAskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Presence as Known } from '../../../shared/presence/read-presence.ts';
import type { ServiceDeps } from '../../../shared/process/boot.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import { repeat } from '../../../shared/process/repeat.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { PresenceEntry } from '../../../shared/protocol/presence.ts';
import type { ErasedUsers } from '../erased/erased-users.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { Subscriptions } from '../session/subscriptions.ts';
import type { AgentReports } from './agent-reports.ts';
import { Contacts } from './contacts.ts';
import { presenceEntry, shownPresence } from './presence-redis.ts';
import { UserPresence } from './user-presence.ts';
import { WatchedBusinesses } from './watched-businesses.ts';
import { Watches } from './watches.ts';

type Deps = ServiceDeps & {
  instance: string;
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  redis: Redis;
  /** Routers are told which users come and go, because some may be agents. */
  agents: Pick<AgentReports, 'tell'>;
  erased: Pick<ErasedUsers, 'has'>;
  closers: Closers;
};

/** A session watches these users and businesses. */
type Watch = { users: readonly UserId[]; businesses: readonly BusinessId[] };

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
  readonly #users: UserPresence;
  readonly #contacts: Contacts;
  readonly #watches: Watches;
  readonly #businesses: WatchedBusinesses;
  readonly #endSweeps: () => void;

  constructor(deps: Deps) {
    const { bus, logger } = deps;
    this.#deps = deps;
    const tell = (session: Session, userId: UserId, presence: Known): void =>
      this.#tell(session, userId, presence);
    this.#users = new UserPresence({
      ...deps,
      tell,
      onChange: (change) => {
        deps.agents.tell(change);
        if (change.status === 'offline') void this.#forgetErased(change.userId);
      },
    });
    const store = createAskStore(bus, ASK_MS);
    const ask = (user_id: UserId, user_ids: readonly UserId[]): Promise<SharedContacts> =>
      store('contacts.shared', { user_id, user_ids });
    this.#contacts = new Contacts({ redis: deps.redis, ask, logger });
    this.#watches = new Watches({
      ...deps,
      contacts: this.#contacts,
      users: this.#users.watched,
      redis: this.#users.redis,
      tell,
    });
    this.#businesses = new WatchedBusinesses({
      ...deps,
      ask: async (business_ids) =>
        (await store('businesses.openings', { business_ids })).businesses,
      tell: (session, presence) => this.#send(session, { type: 'presence', ...presence }),
    });
    this.#endSweeps = repeat(SWEEP_MS, (_nowMs, readMs) => this.#sweep(readMs));
    bus.onReconnect(() => {
      this.#users.doubtAll();
      this.#watches.checkAll(this.#deps.hub.sessions);
    });
    deps.closers.push('presence', () => this.close());
    this.#measure(deps.metrics);
  }

  /** Counts the session as present, once it is open. */
  opened(session: Session, userId: UserId): void {
    if (session.isPresent || session.state === 'closed') return;
    session.isPresent = true;
    this.#users.online.joined(userId);
  }

  closed(session: Session): void {
    this.#watches.closed(session);
    this.#businesses.closed(session);
    this.#leave(session, false);
  }

  conversationChanged(session: Session): void {
    this.#watches.conversationChanged(session);
  }

  /**
   * Resolves with the presence of users and businesses, and tells the session of changes from then
   * on. Rejects if the session would watch too many, or the businesses cannot be known now. Then it
   * watches only what it has watched before.
   */
  async watch(session: Session, userId: UserId, { users, businesses }: Watch) {
    const before = { users: session.watches, businesses: session.businesses };
    const newUsers = [...new Set(users)].filter((id) => before.users?.has(id) !== true);
    const newBusinesses = [...new Set(businesses)].filter((id) => !before.businesses?.has(id));
    const count = (before.users?.size ?? 0) + (before.businesses?.size ?? 0);
    if (count + newUsers.length + newBusinesses.length > LIMITS.watchesMax) {
      throw new KahaError('INVALID_REQUEST', `A socket watches at most ${LIMITS.watchesMax}`);
    }
    const watching = users.length === 0 ? [] : this.#watches.watch(session, userId, users);
    try {
      const told = await this.#businesses.watch(session, businesses);
      return [...(await watching), ...told];
    } catch (error) {
      this.#watches.unwatch(session, newUsers);
      throw error;
    }
  }

  unwatch(session: Session, { users, businesses }: Watch): void {
    this.#watches.unwatch(session, users);
    this.#businesses.unwatch(session, businesses);
  }

  /** Returns the presence of users once, for a REST call. */
  async read(userId: UserId, ids: readonly UserId[]): Promise<PresenceEntry[]> {
    const wanted = [...new Set(ids)];
    const known = new Map<UserId, Known | undefined>();
    const { redis } = this.#users;
    try {
      const shared = redis.isReady ? await this.#contacts.sharedNow(userId, wanted) : [];
      const ids = [...shared];
      const presences = ids.length === 0 ? [] : await redis.read(ids);
      for (const [index, id] of ids.entries()) known.set(id, presences[index]);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'presence not read');
    }
    return wanted.map((id) => presenceEntry(id, known.get(id)));
  }

  /** Closes presence. Another edge tells of users who do not come back elsewhere within 5 s. */
  async close(): Promise<void> {
    this.#endSweeps();
    this.#businesses.close();
    await this.#watches.close();
    await this.#users.close();
  }

  #leave(session: Session, isLate: boolean): void {
    const { userId, lastFrameAt } = session;
    if (!session.isPresent || userId === undefined) return;
    session.isPresent = false;
    const nowMs = steadyMs();
    const lastSeenAt = Math.round(Date.now() - (isLate ? nowMs - lastFrameAt : 0));
    this.#users.online.left(userId, { nowMs, lastSeenAt, isLate });
  }

  /** An edge that froze while a user was erased brings the user back, and then tells of the end. */
  async #forgetErased(userId: UserId): Promise<void> {
    if (!this.#deps.erased.has(userId)) return;
    try {
      await this.#users.redis.forgetUser(userId);
    } catch (error) {
      this.#deps.logger.debug({ reason: (error as Error).name }, 'presence not forgotten');
    }
  }

  #sweep(nowMs: number): void {
    for (const session of this.#deps.hub.sessions) {
      if (session.state !== 'open' || session.userId === undefined) continue;
      const isSilent = nowMs - session.lastFrameAt > SILENT_MS;
      if (isSilent && session.isPresent) this.#leave(session, true);
      else if (!isSilent && !session.isPresent) this.opened(session, session.userId);
    }
    this.#users.online.sweep(nowMs);
  }

  #tell(session: Session, userId: UserId, presence: Known): void {
    this.#send(session, { type: 'presence', ...shownPresence(userId, presence) });
  }

  #send(session: Session, event: LiveEventOf<'presence'>): void {
    if (session.state !== 'open') return;
    this.#deps.hub.sendSoon(session, event.type, JSON.stringify(event));
  }

  #measure({ gauge }: Metrics): void {
    gauge('kaha_edge_watched_users', 'Users watched here', () => this.#users.watched.size);
    const businesses = (): number => this.#businesses.size;
    gauge('kaha_edge_watched_businesses', 'Businesses watched here', businesses);
    gauge('kaha_edge_presence_owed', 'Changes not in Redis yet', () => this.#users.online.owed);
  }
}
