import type { UserId } from '../../../shared/ids.ts';
import type { Presence } from '../../../shared/presence/read-presence.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { PresenceEntry } from '../../../shared/protocol/presence.ts';
import type { Session } from '../session/session.ts';
import { type Contacts, QUEUE_TOLD_MS, UNTOLD_MS } from './contacts.ts';
import { type PresenceRedis, presenceEntry } from './presence-redis.ts';
import type { WatchedUsers } from './watched-users.ts';

type Deps = {
  contacts: Contacts;
  users: WatchedUsers;
  redis: PresenceRedis;
  tell: (session: Session, userId: UserId, presence: Presence) => void;
  logger: Logger;
};

const LOOK_MS = 250;
/** One look checks the watches of this many sessions. */
const CHECKS_MAX = 64;
/**
 * At most this many users wait for their kept contacts to be dropped. Beyond, contacts of further
 * users are used until they are too old.
 */
const CHANGED_MAX = 20_000;
const DROPS_MAX = 500;

/**
 * Knows which session watches which users. A session may watch strangers: they are
 * `unknown`, and become known when they come to share a conversation with the session's user. Each
 * change of a conversation of that user makes the edge check again. Once a watched user shares no
 * conversation any more, the session hears nothing more of them, within a second.
 */
export class Watches {
  readonly #deps: Deps;
  readonly #toCheck = new Set<Session>();
  readonly #changed = new Set<UserId>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_MS);
  }

  /** The caller has checked that the session does not watch too many. Never rejects. */
  async watch(session: Session, userId: UserId, ids: readonly UserId[]): Promise<PresenceEntry[]> {
    const watches = session.watches ?? new Map<UserId, boolean>();
    const wanted = [...new Set(ids)];
    session.watches = watches;
    for (const id of wanted) if (!watches.has(id)) watches.set(id, false);
    await this.#check(session, userId, wanted);
    const entries = wanted.map((id) => this.#entry(session, id));
    for (const entry of entries) {
      if (entry.status === 'unknown') this.#deps.users.owe(session, entry.user_id as UserId);
    }
    return entries;
  }

  unwatch(session: Session, ids: readonly UserId[]): void {
    this.#deps.users.unwatch(session, ids);
    for (const id of ids) session.watches?.delete(id);
  }

  closed(session: Session): void {
    this.#toCheck.delete(session);
    if (session.watches === undefined) return;
    this.#deps.users.unwatch(session, session.watches.keys());
    session.watches = undefined;
  }

  /** A conversation of the session's user changed. */
  conversationChanged(session: Session): void {
    const { userId } = session;
    if (userId !== undefined && this.#changed.size < CHANGED_MAX) this.#changed.add(userId);
    if (session.watches !== undefined) this.#toCheck.add(session);
  }

  /** Signals may have been missed that tell of changes. */
  checkAll(sessions: Iterable<Session>): void {
    for (const session of sessions) if (session.watches !== undefined) this.#toCheck.add(session);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /**
   * Checks what the session may know of these users. A check that fails is tried again until it
   * succeeds.
   */
  async #check(session: Session, userId: UserId, ids: readonly UserId[]): Promise<void> {
    const { contacts, users, redis, logger } = this.#deps;
    try {
      if (!redis.isReady) throw new Error('redis is away');
      const ageMsMax = session.resumed ? QUEUE_TOLD_MS : UNTOLD_MS;
      const shared = await contacts.shared(userId, ids, ageMsMax);
      const { watches } = session;
      if (watches === undefined) return;
      const still = ids.filter((id) => watches.has(id));
      for (const id of still) watches.set(id, shared.has(id));
      users.unwatch(
        session,
        still.filter((id) => !shared.has(id)),
      );
      await users.watch(
        session,
        still.filter((id) => shared.has(id)),
      );
    } catch (error) {
      logger.debug({ err: error }, 'watches not checked');
      if (session.watches !== undefined) this.#toCheck.add(session);
    }
  }

  #entry(session: Session, userId: UserId): PresenceEntry {
    const { users, redis } = this.#deps;
    const isShared = session.watches?.get(userId) === true;
    return presenceEntry(userId, isShared && redis.isReady ? users.get(userId) : undefined);
  }

  async #look(): Promise<void> {
    if (!this.#deps.redis.isReady) return;
    const changed = [...this.#changed].slice(0, DROPS_MAX);
    try {
      if (changed.length > 0) await this.#deps.contacts.drop(changed);
    } catch (error) {
      this.#deps.logger.debug({ reason: (error as Error).name }, 'contacts not dropped');
      return;
    }
    for (const userId of changed) this.#changed.delete(userId);
    const sessions = [...this.#toCheck].slice(0, CHECKS_MAX);
    for (const session of sessions) this.#toCheck.delete(session);
    await Promise.all(sessions.map((session) => this.#checkAgain(session)));
  }

  /** Checks all watches of the session, and tells it of users of whom it may know only now. */
  async #checkAgain(session: Session): Promise<void> {
    const { watches, userId } = session;
    if (watches === undefined || userId === undefined) return;
    const { users, tell } = this.#deps;
    const strangers = [...watches].flatMap(([id, isShared]) => (isShared ? [] : id));
    await this.#check(session, userId, [...watches.keys()]);
    for (const id of strangers) {
      if (session.watches?.get(id) !== true) continue;
      const presence = users.get(id);
      if (presence !== undefined) tell(session, id, presence);
      else users.owe(session, id);
    }
  }
}
