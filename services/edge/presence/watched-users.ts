import { subjects } from '../../../shared/contracts/subjects.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Session } from '../session/session.ts';
import { LeanSubscription, type Subscriptions } from '../session/subscriptions.ts';
import { BATCH_MAX, type Change, type Presence, type PresenceRedis } from './presence-redis.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  redis: PresenceRedis;
  /** To one who watches: it is another now. */
  tell: (session: Session, userId: UserId, presence: Presence) => void;
  logger: Logger;
};

/** Somebody who is watched here: one subscription of `presence.<user>`, whoever watches. */
type Watched = {
  userId: UserId;
  sessions: Set<Session>;
  presence: Presence | undefined;
  /** `presence` was read after the subscription began, and no change was missed since. */
  isSure: boolean;
  subscription: LeanSubscription<Watched>;
};

/** `presence.<user>`: status, order and time of a change. */
type Signal = Pick<Change, 'status' | 'atUs'> & { lastSeenAt?: number };

/**
 * What this edge knows of those who are watched on it. Subscribed first, then read, and of the two
 * the later change counts: none is missed in between, and none is told twice.
 */
export class WatchedUsers {
  readonly #deps: Deps;
  readonly #users = new Map<UserId, Watched>();
  readonly #receive = (watched: Watched, msg: Msg): void => this.#onMessage(watched, msg);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#users.size;
  }

  /** Undefined where it is not known for sure: nothing tells of changes while NATS is away. */
  get(userId: UserId): Presence | undefined {
    const watched = this.#users.get(userId);
    return watched?.isSure && this.#deps.bus.connected ? watched.presence : undefined;
  }

  /** Changes may have been missed: who is asked for is read again, before `refresh` does it. */
  doubt(): void {
    for (const watched of this.#users.values()) watched.isSure = false;
  }

  /** Resolves when they are known; rejects where Redis or NATS is away: they are known later. */
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

  /** Changes may have been missed: all are read again, ≤ 500 at a time, differences told. */
  async refresh(): Promise<void> {
    this.doubt();
    await this.#learn([...this.#users.values()], true);
  }

  /** To who watches, wherever it is. */
  announce({ userId, status, atUs, lastSeenAt }: Change): void {
    if (atUs === 0) return;
    const signal: Signal = { status, atUs, ...(lastSeenAt !== undefined && { lastSeenAt }) };
    this.#deps.bus.publish(subjects.presence(userId), JSON.stringify(signal));
  }

  #add(userId: UserId): Watched {
    const { subscriptions } = this.#deps;
    const watched = { userId, sessions: new Set<Session>(), presence: undefined, isSure: false };
    const all = watched as Omit<Watched, 'subscription'> as Watched;
    const subscription = new LeanSubscription(subjects.presence(userId), all, this.#receive);
    all.subscription = subscriptions.add(subscription);
    this.#users.set(userId, all);
    return all;
  }

  async #learn(users: readonly Watched[], isTold = false): Promise<void> {
    const { bus, redis } = this.#deps;
    // After it the server has every subscription made before.
    await bus.nc.flush();
    for (let from = 0; from < users.length; from += BATCH_MAX) {
      const batch = users.slice(from, from + BATCH_MAX);
      const read = await redis.read(batch.map(({ userId }) => userId));
      for (const [index, watched] of batch.entries()) {
        const presence = read[index] as Presence;
        // Redis has lost what it held: what it says now is all there is.
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
