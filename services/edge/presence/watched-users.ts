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
import type { PresenceRedis } from './presence-redis.ts';

type Deps = {
  bus: Pick<Bus, 'publish' | 'connected' | 'nc'>;
  subscriptions: Pick<Subscriptions, 'add' | 'remove'>;
  redis: PresenceRedis;
  /** Tells a watching session that the presence of a user changed. */
  tell: (session: Session, userId: UserId, presence: Presence) => void;
  /** Redis does not know yet whether some of the users are online. */
  onUnknown: () => void;
  logger: Logger;
};

/** A watched user has one subscription of `presence.<user>`, however many sessions watch. */
type Watched = {
  userId: UserId;
  sessions: Set<Session>;
  /** These sessions were answered that the user is unknown, and are told once that has ended. */
  owed: Set<Session> | undefined;
  presence: Presence | undefined;
  /** The edge read `presence` after the subscription began, and has missed no change since. */
  isSure: boolean;
  subscription: LeanSubscription<Watched>;
};

/** A signal on `presence.<user>` carries status, order and time of a change. */
type Signal = Pick<Presence, 'status' | 'atUs'> & { lastSeenAt?: number };

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
   * Resolves when the presence of the users is known, or Redis does not know it now. Rejects where
   * Redis or NATS is away. Whoever answers that a user is unknown owes it to the session.
   */
  async watch(session: Session, userIds: readonly UserId[]): Promise<void> {
    const unsure: Watched[] = [];
    for (const userId of userIds) {
      const watched = this.#users.get(userId) ?? this.#add(userId);
      watched.sessions.add(session);
      if (!watched.isSure) unsure.push(watched);
    }
    if (unsure.length > 0 && !(await this.#learn(unsure))) this.#deps.onUnknown();
  }

  /** The session is told of the user once their presence is known. */
  owe(session: Session, userId: UserId): void {
    const watched = this.#users.get(userId);
    if (watched?.sessions.has(session) !== true) return;
    watched.owed ??= new Set();
    watched.owed.add(session);
  }

  unwatch(session: Session, userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      const watched = this.#users.get(userId);
      if (watched === undefined || !watched.sessions.delete(session)) continue;
      watched.owed?.delete(session);
      if (watched.sessions.size > 0) continue;
      this.#users.delete(userId);
      this.#deps.subscriptions.remove(watched.subscription);
    }
  }

  /**
   * Reads all users again, ≤ 500 at a time, and tells sessions what is different. Returns false
   * where Redis does not know all of them now.
   */
  refresh(): Promise<boolean> {
    return this.#learn([...this.#users.values()]);
  }

  /** Announces a change to all edges on which the user is watched. */
  announce({ userId, status, atUs, lastSeenAt }: Presence & { userId: UserId }): void {
    if (atUs === 0) return;
    const signal: Signal = { status, atUs, ...(lastSeenAt !== undefined && { lastSeenAt }) };
    this.#deps.bus.publish(subjects.presence(userId), JSON.stringify(signal));
  }

  #add(userId: UserId): Watched {
    const { subscriptions } = this.#deps;
    const sessions = new Set<Session>();
    const watched = { userId, sessions, owed: undefined, presence: undefined, isSure: false };
    const all = watched as Omit<Watched, 'subscription'> as Watched;
    const subscription = new LeanSubscription(this.#kind, all);
    all.subscription = subscriptions.add(subscription);
    this.#users.set(userId, all);
    return all;
  }

  async #learn(users: readonly Watched[]): Promise<boolean> {
    const { bus, redis } = this.#deps;
    let isAllKnown = true;
    // After this flush the server has every subscription that was made before.
    await bus.nc.flush();
    for (let from = 0; from < users.length; from += BATCH_MAX) {
      const batch = users.slice(from, from + BATCH_MAX);
      const before = batch.map(({ presence }) => presence);
      const read = await redis.read(batch.map(({ userId }) => userId));
      for (const [index, watched] of batch.entries()) {
        const presence = read[index];
        isAllKnown &&= presence !== undefined;
        if (presence === undefined) continue;
        // A signal that came meanwhile may be newer. Without one, what Redis says now is the truth,
        // even if it is older: Redis has lost its data, or another server has taken over.
        const isLatest = watched.presence === before[index];
        if (isLatest || presence.atUs >= (watched.presence?.atUs ?? 0)) {
          this.#take(watched, presence);
        }
        watched.isSure = true;
      }
    }
    return isAllKnown;
  }

  #take(watched: Watched, presence: Presence): void {
    const { presence: before, sessions, owed } = watched;
    watched.presence = presence;
    watched.owed = undefined;
    const isChanged = before !== undefined && before.status !== presence.status;
    for (const session of isChanged ? sessions : (owed ?? [])) {
      this.#deps.tell(session, watched.userId, presence);
    }
  }

  #onMessage(watched: Watched, msg: Msg): void {
    try {
      const { status, atUs, lastSeenAt } = parseJson(msg.data) as Signal;
      if (atUs <= (watched.presence?.atUs ?? 0)) return;
      this.#take(watched, { status, atUs, lastSeenAt });
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'presence not understood');
    }
  }
}
