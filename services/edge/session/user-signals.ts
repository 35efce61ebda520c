import { decodeLive, type LiveBytes, type UserSignal } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { HeldEvents } from '../delivery/held-events.ts';
import type { Hub, UserSockets } from './hub.ts';
import { publishReplaced } from './replaced-signal.ts';
import type { Session } from './session.ts';
import { LeanSubscription, type SubscriptionKind, type Subscriptions } from './subscriptions.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  held: Pick<HeldEvents, 'forward'>;
  logger: Logger;
  /** The session's queue is void. */
  onResync: (session: Session, userId: UserId) => void;
  /** Somebody has left a conversation of the user. */
  onLeft: (session: Session) => void;
};

/**
 * Receives what comes on `user.<user>`. Each user of this edge has one subscription for all their
 * sockets.
 */
export class UserSignals {
  readonly #deps: Deps;
  readonly #kind: SubscriptionKind<UserSockets> = {
    subjectOf: ({ userId }) => subjects.user(userId),
    receive: (user, msg) => this.#onMessage(user, msg),
  };

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  join(session: Session, userId: UserId): void {
    const user = this.#deps.hub.join(session, userId);
    if (user.subscription !== undefined) return;
    user.subscription = this.#deps.subscriptions.add(new LeanSubscription(this.#kind, user));
  }

  leave(session: Session): void {
    const subscription = this.#deps.hub.leave(session)?.subscription;
    if (subscription !== undefined) this.#deps.subscriptions.remove(subscription);
  }

  #onMessage(user: UserSockets, msg: Msg): void {
    try {
      const live = decodeLive(msg.data);
      if (live?.isNameless) void this.#deps.held.forward(user, live);
      else if (live !== undefined) this.#forward(user, live);
      else this.#carryOut(user, parseJson(msg.data) as UserSignal);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'signal not understood');
    }
  }

  #carryOut(user: UserSockets, signal: UserSignal): void {
    switch (signal.kind) {
      case 'replaced':
        this.#replace(user, signal);
        break;
      case 'resync':
        for (const session of [...user.sessions]) {
          if (session.deviceId !== signal.device_id || !session.isAuthenticated) continue;
          this.#deps.onResync(session, user.userId);
        }
        break;
      case 'signed_out':
        this.#signOut(user, signal);
        break;
      case 'left':
        for (const session of user.sessions) this.#deps.onLeft(session);
        break;
    }
  }

  /**
   * Closes sessions that the signal replaces. If two openings of one device cross, the older
   * session's signal may come late; the newer session then answers with a signal of its own.
   */
  #replace(user: UserSockets, signal: Extract<UserSignal, { kind: 'replaced' }>): void {
    for (const session of openOf(user, signal.device_id)) {
      if (session.epoch < signal.epoch) this.#deps.hub.close(session, CLOSE.REPLACED);
      else if (session.epoch > signal.epoch) publishReplaced(this.#deps.bus, session, user.userId);
    }
  }

  /** A session that is being opened is closed once its epoch is known. */
  #signOut(user: UserSockets, signal: Extract<UserSignal, { kind: 'signed_out' }>): void {
    for (const session of [...user.sessions]) {
      if (session.deviceId !== signal.device_id) continue;
      session.signedOutEpoch = Math.max(session.signedOutEpoch, signal.epoch);
      const isOlder = session.state === 'open' && session.epoch < signal.epoch;
      if (isOlder) this.#deps.hub.close(session, CLOSE.KICKED);
    }
  }

  #forward(user: UserSockets, { type, body }: LiveBytes): void {
    // The loop needs a copy of the list: sending may close a session, and closing changes the list.
    for (const session of [...user.sessions]) {
      if (session.state === 'open') this.#deps.hub.send(session, type, body);
    }
  }
}

/** Returns a copy, because closing a session changes the list. */
function openOf(user: UserSockets, deviceId: string): Session[] {
  return user.sessions.filter(
    (session) => session.deviceId === deviceId && session.state === 'open',
  );
}
