import { subjects } from '../../../shared/contracts/subjects.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { BATCH_MAX, type Presence } from '../../../shared/presence/read-presence.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Session } from '../session/session.ts';
import {
  LeanSubscription,
  type SubscriptionKind,
  type Subscriptions,
} from '../session/subscriptions.ts';
import type { Change, PresenceRedis } from './presence-redis.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  redis: PresenceRedis;
  /** Tells a watching session that the presence of a user changed. */
  tell: (session: Session, userId: UserId, presence: Presence) => void;
  logger: Logger;
};

/** A watched user has one subscription of `presence.<user>`, however many sessions watch. */
type Watched = {
  userId: UserId;
  sessions: Set<Session>;
  presence: Presence | undefined;
  /** The edge read `presence` after the subscription began, and has missed no change since. */
  isSure: boolean;
  subscription: LeanSubscription<Watched>;
};

/** A signal on `presence.<user>` carries status, order and time of a change. */
type Signal = Pick<Change, 'status' | 'atUs'> & { lastSeenAt?: number };

/**
 * Knows the presence of the users who are watched on this edge. It subscribes first and reads then,
 * and takes the later of both changes. So it misses no change in between, and tells none twice.
 */
export class WatchedUsers {
  readonly #deps: Deps;
  readonly #users = new Map<UserId, Watched>();
  readonly #kind: SubscriptionKind<Watched> = {
    subjectOf: ({ userId }) => subjects.presence(userId),
    receive: (watched, msg) => this.#onMessage(watched, msg),
  };

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#users.size;
  }

  /**
   * Returns the presence, or undefined where it is not known for sure. While NATS is away nothing
   * tells of changes.
   */
  get(userId: UserId): Presence | undefined {
    const watched = this.#users.get(userId);
    return watched?.isSure && this.#deps.bus.connected ? watched.presence : undefined;
  }

  /**
   * Changes may have been missed. A user who is asked for is read again, even before `refresh`
   * reads all.
   */
  markUnsure(): void {
    for (const watched of this.#users.values()) watched.isSure = false;
  }

  /**
   * Resolves when the presence of the users is known. Rejects where Redis or NATS is away; the
   * presence is known later then.
   */
  async watch(session: Session, userIds: readonly UserId[]): Promise<void> {
    const unsure: Watched[] = [];
    for (const userId of userIds) {
      const watched = this.#users.get(userId) ?? this.#add(userId);
      watched.sessions.add(session);
      if (!watched.isSure) unsure.push(watched);
    }
    if (unsure.length > 0) await this.#learn(unsure);
  }

  unwatch(session: Session, userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const watched = this.#users.get(userId);
      if (watched === undefined || !watched.sessions.delete(session)) continue;
      if (watched.sessions.size > 0) continue;
      this.#users.delete(userId);
      this.#deps.subscriptions.remove(watched.subscription);
    }
  }

  /**
   * Changes may have been missed. All users are read again, ≤ 500 at a time, and sessions are told
   * what is different.
   */
  async refresh(): Promise<void> {
    this.markUnsure();
    await this.#learn([...this.#users.values()], true);
  }

  /** Announces a change to all edges on which the user is watched. */
  announce({ userId, status, atUs, lastSeenAt }: Change): void {
    if (atUs === 0) return;
    const signal: Signal = { status, atUs, ...(lastSeenAt !== undefined && { lastSeenAt }) };
    this.#deps.bus.publish(subjects.presence(userId), JSON.stringify(signal));
  }

  #add(userId: UserId): Watched {
    const { subscriptions } = this.#deps;
    const watched = { userId, sessions: new Set<Session>(), presence: undefined, isSure: false };
    const all = watched as Omit<Watched, 'subscription'> as Watched;
    const subscription = new LeanSubscription(this.#kind, all);
    all.subscription = subscriptions.add(subscription);
    this.#users.set(userId, all);
    return all;
  }

  async #learn(users: readonly Watched[], isTold = false): Promise<void> {
    const { bus, redis } = this.#deps;
    // After this flush the server has every subscription that was made before.
    await bus.nc.flush();
    for (let from = 0; from < users.length; from += BATCH_MAX) {
      const batch = users.slice(from, from + BATCH_MAX);
      const read = await redis.read(batch.map(({ userId }) => userId));
      for (const [index, watched] of batch.entries()) {
        const presence = read[index] as Presence;
        // Redis has lost its data, so what it says now is all there is.
        const isLost = presence.atUs === 0;
        if (isLost || presence.atUs >= (watched.presence?.atUs ?? 0)) {
          this.#take(watched, presence, isTold);
        }
        watched.isSure = true;
      }
    }
  }

  #take(watched: Watched, presence: Presence, isTold: boolean): void {
    const before = watched.presence;
    watched.presence = presence;
    if (before?.status === presence.status || (before === undefined && !isTold)) return;
    for (const session of watched.sessions) this.#deps.tell(session, watched.userId, presence);
  }

  #onMessage(watched: Watched, msg: Msg): void {
    try {
      const { status, atUs, lastSeenAt } = parseJson(msg.data) as Signal;
      if (atUs <= (watched.presence?.atUs ?? 0)) return;
      this.#take(watched, { status, atUs, lastSeenAt }, true);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'presence not understood');
    }
  }
}
