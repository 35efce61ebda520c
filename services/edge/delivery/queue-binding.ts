import { subjects } from '../../../shared/contracts/subjects.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Msg } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Session } from '../session/session.ts';
import { LeanSubscription, type Subscriptions } from '../session/subscriptions.ts';

type Deps = {
  subscriptions: Subscriptions;
  receive: (session: Session, msg: Msg) => void;
  logger: Logger;
};

/**
 * A client lags with this many unacknowledged events. Its queue sets the pace then, because the
 * queue stops at 256.
 */
const LIVE_MAX = 128;
/**
 * A queue that is silent for this long is empty. The time is longer than `ack_wait`, 10 s: what the
 * queue sent to a session that is gone, or to nobody in the instant of an UNSUB, comes again by
 * then.
 */
const REPEATS_MS = 12_000;
/**
 * Nothing waits in a queue that was made just now. Events that came since then are here after this
 * time.
 */
const NEW_QUEUE_MS = 1_000;
/**
 * A live session looks into its queue after this time ± a half. It finds the events there whose
 * signal was lost.
 */
const LIVE_FOR_MS = 300_000;
/**
 * A session that goes live listens to its queue for this long, because an event that is stored
 * meanwhile may come a little later. UNSUBs of several sessions go out together.
 */
const LINGER_MS = 100;

/**
 * Decides which sessions take from their queue, and which are live. JetStream sends to a session
 * while it is bound to its queue. Every session that is not live is bound.
 */
export class QueueBinding {
  readonly #deps: Deps;
  #lingering: Session[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(session: Session): void {
    this.take(session);
    session.isDrained = true;
    session.leftToQueue = undefined;
    if (!session.resumed) session.liveAfter = Date.now() + NEW_QUEUE_MS;
  }

  /** Lets the session take from its queue, until the queue is empty and nothing can come again. */
  take(session: Session): void {
    if (session.isLive) session.isDrained = true;
    session.isLive = false;
    session.liveAfter = Date.now() + REPEATS_MS;
    if (session.queueSubscription !== undefined) return;
    const subject = subjects.deliver(session.userId as UserId, session.deviceId);
    const subscription = new LeanSubscription(subject, session, this.#deps.receive);
    session.queueSubscription = this.#deps.subscriptions.add(subscription);
  }

  /** The queue has sent the event; `isLast` says that it has no more. */
  sent(session: Session, eventId: EventId, isLast: boolean): void {
    session.isDrained = isLast;
    if (session.leftToQueue === eventId) session.leftToQueue = undefined;
  }

  goLiveIfDue(session: Session, nowMs: number): void {
    if (session.isLive || !session.isDrained || session.leftToQueue !== undefined) return;
    if (nowMs < session.liveAfter || isLagging(session)) return;
    if (session.deviceSubscription === undefined || session.ending !== undefined) return;
    session.isLive = true;
    session.liveUntil = nowMs + LIVE_FOR_MS * (0.5 + Math.random());
    this.#lingering.push(session);
    this.#timer ??= setTimeout(() => this.#leaveAll(), LINGER_MS);
  }

  /**
   * Ends the subscription. Resolves when all events that JetStream sent before have been received.
   */
  async leave(session: Session): Promise<void> {
    const { queueSubscription } = session;
    session.queueSubscription = undefined;
    if (queueSubscription !== undefined) await this.#deps.subscriptions.drain(queueSubscription);
  }

  /** Ends the subscription at once, so that nothing more is received. */
  drop(session: Session): void {
    const { queueSubscription } = session;
    session.queueSubscription = undefined;
    if (queueSubscription !== undefined) this.#deps.subscriptions.remove(queueSubscription);
  }

  #leaveAll(): void {
    this.#timer = undefined;
    const lingering = this.#lingering;
    this.#lingering = [];
    for (const session of lingering) {
      if (!session.isLive) continue;
      this.leave(session).catch((error: unknown) => {
        // The connection was lost: all sessions take from their queues after the reconnect.
        this.#deps.logger.debug({ err: error }, 'queue not left');
      });
    }
  }
}

export function isLagging({ unacked }: Session): boolean {
  return (unacked?.size ?? 0) >= LIVE_MAX;
}
