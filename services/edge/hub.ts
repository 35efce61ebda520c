import type { CloseCode } from '../../shared/errors.ts';
import { CLOSE } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import type { EdgeMetrics } from './edge-metrics.ts';
import type { Session } from './session.ts';
import type { LeanSubscription } from './subscriptions.ts';

/** The sockets of one user on this edge, and their one subscription of `user.<user>`. */
export type UserSockets = {
  userId: UserId;
  sessions: Session[];
  subscription: LeanSubscription<UserSockets> | undefined;
};

/** What a socket may have waiting before its reader counts as too slow. */
export const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;

const REASONS: Record<CloseCode, string> = {
  [CLOSE.GOING_AWAY]: 'going away',
  [CLOSE.SERVER_ERROR]: 'server error',
  [CLOSE.TOKEN_EXPIRED]: 'token expired',
  [CLOSE.SLOW_READER]: 'too slow a reader',
  [CLOSE.NO_HEARTBEAT]: 'no heartbeat',
  [CLOSE.NO_ACKNOWLEDGEMENT]: 'does not acknowledge',
  [CLOSE.BAD_TOKEN]: 'bad token',
  [CLOSE.TOO_MANY_BAD_FRAMES]: 'too many bad frames',
  [CLOSE.AUTH_TIMEOUT]: 'no auth in time',
  [CLOSE.KICKED]: 'kicked',
  [CLOSE.TOO_MANY_DEVICES]: 'too many devices',
  [CLOSE.REPLACED]: 'replaced by a newer session',
};

/** All sockets of this edge, by nothing and by user; the one place that writes to them. */
export class Hub {
  readonly sessions = new Set<Session>();
  readonly #users = new Map<UserId, UserSockets>();
  readonly #metrics: EdgeMetrics;

  constructor(metrics: EdgeMetrics) {
    this.#metrics = metrics;
  }

  get userCount(): number {
    return this.#users.size;
  }

  user(userId: UserId): UserSockets | undefined {
    return this.#users.get(userId);
  }

  /** The user's entry with this session in it. */
  join(session: Session, userId: UserId): UserSockets {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { userId, sessions: [], subscription: undefined };
      this.#users.set(userId, user);
    }
    if (!user.sessions.includes(session)) user.sessions.push(session);
    return user;
  }

  /** Forgets the session; returns the user's entry if it was the last one there. */
  leave(session: Session): UserSockets | undefined {
    this.sessions.delete(session);
    const user = session.userId === undefined ? undefined : this.#users.get(session.userId);
    if (user === undefined) return undefined;
    const index = user.sessions.indexOf(session);
    if (index === -1) return undefined;
    user.sessions.splice(index, 1);
    if (user.sessions.length > 0) return undefined;
    this.#users.delete(user.userId);
    return user;
  }

  /**
   * Nothing is ever sent to a socket that is closed, or after it was too slow. `type` is what the
   * frame counts as.
   */
  send(session: Session, type: string, frame: string | Uint8Array): void {
    const { socket } = session;
    if (socket === undefined || session.state === 'closed') return;
    this.#metrics.framesOut.add(type);
    const status = socket.send(frame, false);
    if (status === SENT) return;
    if (socket.getBufferedAmount() > BUFFERED_BYTES_MAX) this.close(session, CLOSE.SLOW_READER);
  }

  /** The socket's close handler runs before this returns. */
  close(session: Session, code: CloseCode): void {
    if (session.state === 'closed' || session.socket === undefined) return;
    session.socket.end(code, REASONS[code]);
  }
}

const SENT = 1;
