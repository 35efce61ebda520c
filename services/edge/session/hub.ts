import type { CloseCode } from '../../../shared/errors.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { ReaderBacklogs } from './reader-backlogs.ts';
import type { Session, Socket } from './session.ts';
import type { LeanSubscription } from './subscriptions.ts';

/**
 * One user has these sockets on this edge, and one subscription of `user.<user>` for all of them.
 */
export type UserSockets = {
  userId: UserId;
  sessions: Session[];
  subscription: LeanSubscription<UserSockets> | undefined;
};

type Frame = string | Uint8Array;

/** A reader counts as too slow once more bytes than this wait in its socket. */
export const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;
/** Events of a device wait outside its socket while more bytes than this wait in it. */
const AHEAD_BYTES_MAX = 512 * 1024;
/**
 * When more bytes than this wait in all sockets together, the edge cuts the slowest readers until
 * an eighth of it is free. A socket that was closed with a code would keep its bytes for 16 s.
 */
const ALL_BUFFERED_BYTES_MAX = heapShare(1 / 4, 256 * 1024 ** 2);

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
  [CLOSE.KICKED]: 'signed out',
  [CLOSE.TOO_MANY_DEVICES]: 'too many devices',
  [CLOSE.REPLACED]: 'replaced by a newer session',
};

/**
 * The hub knows all sockets of this edge and finds them by user. No other class writes to a socket.
 */
export class Hub {
  readonly sessions = new Set<Session>();
  readonly #users = new Map<UserId, UserSockets>();
  readonly #metrics: EdgeMetrics;
  /** These sessions have outgoing frames that are not written yet. */
  #waiting: Session[] = [];
  readonly #backlogs = new ReaderBacklogs();
  readonly #allBytesMax: number;
  #isRelieving = false;

  constructor(metrics: EdgeMetrics, allBytesMax = ALL_BUFFERED_BYTES_MAX) {
    this.#metrics = metrics;
    this.#allBytesMax = allBytesMax;
  }

  /** Counts the bytes that slow readers have not taken yet. */
  get bufferedBytes(): number {
    this.#backlogs.measure();
    return this.#backlogs.bytes;
  }

  get userCount(): number {
    return this.#users.size;
  }

  /** Counts the sessions that take offers. */
  get liveCount(): number {
    let count = 0;
    for (const { stream } of this.sessions) if (stream?.isLive) count += 1;
    return count;
  }

  /** Returns an open socket, whichever it is. */
  get anySocket(): Socket | undefined {
    for (const { socket } of this.sessions) if (socket !== undefined) return socket;
    return undefined;
  }

  /** Users may come and go while somebody goes through them. */
  get userIds(): Iterable<UserId> {
    return this.#users.keys();
  }

  user(userId: UserId): UserSockets | undefined {
    return this.#users.get(userId);
  }

  /** Adds the session to its user, and returns the user's entry. */
  join(session: Session, userId: UserId): UserSockets {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { userId, sessions: [], subscription: undefined };
      this.#users.set(userId, user);
    }
    if (!user.sessions.includes(session)) user.sessions.push(session);
    return user;
  }

  /** Forgets the session. Returns the user's entry if this was the user's last session here. */
  leave(session: Session): UserSockets | undefined {
    this.sessions.delete(session);
    this.#backlogs.note(session, 0);
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
   * Sends a frame at once, after the outgoing frames that wait. The hub sends nothing to a socket
   * that is closed, or once its reader was too slow. Metrics count the frame as `type`.
   */
  send(session: Session, type: string, frame: Frame): void {
    if (session.outgoing !== undefined) this.#flush(session);
    this.#metrics.framesOut.add(type);
    this.#write(session, frame);
  }

  /** Sends frames that come in bursts: those of one turn of the event loop go out in one write. */
  sendSoon(session: Session, type: string, frame: Frame): void {
    if (session.state === 'closed') return;
    this.#metrics.framesOut.add(type);
    session.outgoingBytes += frame.length;
    if (session.outgoing !== undefined) {
      session.outgoing.push(frame);
      return;
    }
    session.outgoing = [frame];
    this.#waiting.push(session);
    if (this.#waiting.length === 1) setImmediate(() => this.#flushAll());
  }

  /** Tells whether so much waits to be written that further events should wait for the reader. */
  isBehind(session: Session): boolean {
    const { outgoingBytes, socket } = session;
    const isNoted = this.#backlogs.has(session);
    const buffered = isNoted ? (socket?.getBufferedAmount() ?? 0) : 0;
    return outgoingBytes + buffered > AHEAD_BYTES_MAX;
  }

  /** The socket's close handler runs before this returns. */
  close(session: Session, code: CloseCode): void {
    if (session.state === 'closed' || session.socket === undefined) return;
    if (session.outgoing !== undefined) this.#flush(session);
    // The flush may have closed the socket already, because its reader is too slow.
    session.socket?.end(code, REASONS[code]);
  }

  #flushAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const session of waiting) this.#flush(session);
  }

  #flush(session: Session): void {
    const { outgoing, socket } = session;
    session.outgoing = undefined;
    session.outgoingBytes = 0;
    if (outgoing === undefined || socket === undefined) return;
    if (outgoing.length === 1) {
      this.#write(session, outgoing[0] as Frame);
      return;
    }
    socket.cork(() => {
      for (const frame of outgoing) socket.send(frame, false);
    });
    this.#closeSlow(session);
  }

  #write(session: Session, frame: Frame): void {
    const { socket } = session;
    if (socket === undefined || session.state === 'closed') return;
    if (socket.send(frame, false) !== SENT) this.#closeSlow(session);
  }

  /**
   * Closes the session if its reader is too slow. Nobody may call this within `cork`, because the
   * library would go on writing to the closed socket.
   */
  #closeSlow(session: Session): void {
    const buffered = session.socket?.getBufferedAmount() ?? 0;
    if (buffered > BUFFERED_BYTES_MAX) {
      this.close(session, CLOSE.SLOW_READER);
      return;
    }
    if (buffered > 0) this.#backlogs.note(session, buffered);
    if (this.#backlogs.bytes <= this.#allBytesMax || this.#isRelieving) return;
    this.#isRelieving = true;
    setImmediate(() => this.#relieve());
  }

  /** Cuts the slowest readers where all sockets together hold too much. */
  #relieve(): void {
    try {
      this.#backlogs.measure();
      const bytes = this.#backlogs.bytes;
      if (bytes <= this.#allBytesMax) return;
      const excess = bytes - this.#allBytesMax * RELIEVED;
      for (const { socket } of this.#backlogs.largest(excess)) {
        this.#metrics.readersCut.add('room');
        socket?.close();
      }
    } finally {
      this.#isRelieving = false;
    }
  }
}

const SENT = 1;
const RELIEVED = 7 / 8;
