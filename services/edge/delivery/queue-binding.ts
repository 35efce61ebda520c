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

/** More than that between a client and its queue, and the queue sets the pace: it knows 256. */
const LIVE_MAX = 128;
/**
 * Longer than `ack_wait`, 10 s: what the queue sent to somebody who is gone, or in the instant of
 * an UNSUB to nobody, comes again by then. A queue that is silent for so long is empty.
 */
const REPEATS_MS = 12_000;
/** In a queue that was made just now nothing waits: what came since is here by then. */
const NEW_QUEUE_MS = 1_000;
/** ± a half: what a signal that was lost left in the queue is found by then. */
const LIVE_FOR_MS = 300_000;
/** What is stored as a session goes live may come a little behind; and UNSUBs go out together. */
const LINGER_MS = 100;

/**
 * Which sessions take from their queue, and which are live: while one is bound, JetStream sends to
 * it. Every session that is not live is bound.
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

  /** From the queue again, until it is empty and nothing can come again. */
  take(session: Session): void {
    if (session.isLive) session.isDrained = true;
    session.isLive = false;
    session.liveAfter = Date.now() + REPEATS_MS;
    if (session.deliver !== undefined) return;
    const subject = subjects.deliver(session.userId as UserId, session.deviceId);
    const subscription = new LeanSubscription(subject, session, this.#deps.receive);
    session.deliver = this.#deps.subscriptions.add(subscription);
  }

  /** The queue has sent it, as the last it had or not. */
  sent(session: Session, eventId: EventId, isLast: boolean): void {
    session.isDrained = isLast;
    if (session.leftToQueue === eventId) session.leftToQueue = undefined;
  }

  perhapsLive(session: Session, nowMs: number): void {
    if (session.isLive || !session.isDrained || session.leftToQueue !== undefined) return;
    if (nowMs < session.liveAfter || isLagging(session)) return;
    if (session.device === undefined || session.ending !== undefined) return;
    session.isLive = true;
    session.liveUntil = nowMs + LIVE_FOR_MS * (0.5 + Math.random());
    this.#lingering.push(session);
    this.#timer ??= setTimeout(() => this.#leaveAll(), LINGER_MS);
  }

  /** Resolves when all that JetStream sent before has been received. */
  async leave(session: Session): Promise<void> {
    const { deliver } = session;
    session.deliver = undefined;
    if (deliver !== undefined) await this.#deps.subscriptions.drain(deliver);
  }

  /** Nothing more is received. */
  drop(session: Session): void {
    const { deliver } = session;
    session.deliver = undefined;
    if (deliver !== undefined) this.#deps.subscriptions.remove(deliver);
  }

  #leaveAll(): void {
    this.#timer = undefined;
    const lingering = this.#lingering;
    this.#lingering = [];
    for (const session of lingering) {
      if (!session.isLive) continue;
      this.leave(session).catch((error: unknown) => {
        // The connection went: all sessions take from their queues after the reconnect.
        this.#deps.logger.debug({ err: error }, 'queue not left');
      });
    }
  }
}

export function isLagging({ unacked }: Session): boolean {
  return (unacked?.size ?? 0) >= LIVE_MAX;
}
