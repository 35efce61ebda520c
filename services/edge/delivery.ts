import type { Bus, Msg } from '../../shared/bus.ts';
import { CLOSE } from '../../shared/errors.ts';
import { decodeInbox, frameWithQ } from '../../shared/events.ts';
import type { UserId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/logger.ts';
import { JETSTREAM_ACK_PREFIX, subjects } from '../../shared/subjects.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import type { EdgeMetrics } from './edge-metrics.ts';
import type { Hub } from './hub.ts';
import type { NamelessEvents } from './nameless-events.ts';
import type { Session } from './session.ts';
import { LeanSubscription, type Subscriptions } from './subscriptions.ts';
import { UnackedQueue } from './unacked.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  reports: DeliveredReports;
  nameless: NamelessEvents;
  /** One of its user is another now: who takes part, among other things. */
  onConversation: (session: Session) => void;
  metrics: EdgeMetrics;
  logger: Logger;
};

const ACK = new Uint8Array(0);
const encoder = new TextEncoder();
const NAK = encoder.encode('-NAK');
const TERM = encoder.encode('+TERM');
const RELEASED = encoder.encode('released');
/**
 * Acks to JetStream wait so long for others: in bursts, 1000 messages cost NATS and the edges 0.04
 * CPU-s less. An edge that is killed meanwhile has sent a little more again.
 */
const ACK_DELAY_MS = 20;
/** One of so many deliveries is timed. */
const TIMED_EVERY = 16;

/**
 * From the device's queue to its socket and back.
 *
 *     queue ──deliver──► unacked ──client's ack──► acked   (and reported as delivered)
 *                           └──session ends──► UNSUB, flush, NAK in order
 *
 * NAK only after the flush: before, the server would hand it to the dying subscription again. What
 * JetStream sends in the instant in which it learns of the UNSUB goes to nobody (measured: less
 * than a millisecond) and comes again after `ack_wait`, 10 s: late, never lost.
 * Acks are held while NATS is away and sent after the reconnect. One that is lost on the way means
 * a repeat, never a loss.
 */
export class Delivery {
  readonly #deps: Deps;
  readonly #receive = (session: Session, msg: Msg): void => {
    try {
      this.#onMessage(session, msg);
    } catch (error) {
      // It comes again; one event that cannot be sent must not end the connection for all.
      this.#deps.logger.error({ err: error }, 'event not sent');
    }
  };
  readonly #ending = new Set<Promise<void>>();
  /** Their clients have acknowledged what their queues do not know yet. */
  readonly #acknowledged = new Set<Session>();
  #ackTimer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** From now on events flow; `auth_ok` must be out. */
  start(session: Session, userId: UserId): void {
    const subject = subjects.deliver(userId, session.deviceId);
    const subscription = new LeanSubscription(subject, session, this.#receive);
    session.deliver = this.#deps.subscriptions.add(subscription);
  }

  /** Cumulative. */
  acknowledge(session: Session, q: number): void {
    const [next] = session.held ?? [];
    const upTo = Math.min(q, next === undefined ? session.lastQ : next.q - 1);
    if (upTo <= session.acknowledgedQ) return;
    session.acknowledgedQ = upTo;
    session.ackDueSince = Date.now();
    this.#acknowledged.add(session);
    this.#ackTimer ??= setTimeout(() => this.#settleAcknowledged(), ACK_DELAY_MS);
  }

  /** Sends the acks that had to wait for the connection. */
  settleHeld(): void {
    for (const session of this.#deps.hub.sessions) this.#settle(session);
  }

  /** Lets go of the queue: what is unacknowledged comes first in the device's next session. */
  stop(session: Session): Promise<void> {
    const { deliver } = session;
    if (deliver === undefined) return session.ending ?? Promise.resolve();
    this.#settle(session);
    session.deliver = undefined;
    session.held = undefined;
    const ending = this.#putBack(session, deliver).catch((error: unknown) => {
      // The connection went: the server sends it again by itself, after `ack_wait`.
      this.#deps.metrics.acks.add('not put back');
      this.#deps.logger.debug({ err: error }, 'queue not put back');
    });
    session.ending = ending;
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return ending;
  }

  /** Lets go of a queue that is about to be deleted; `q` goes on from what the client has seen. */
  abandon(session: Session): void {
    const { deliver, held } = session;
    this.#settle(session);
    session.deliver = undefined;
    if (held?.[0] !== undefined) session.lastQ = held[0].q - 1;
    session.held = undefined;
    session.unacked = undefined;
    session.acknowledgedQ = session.lastQ;
    if (deliver !== undefined) this.#deps.subscriptions.remove(deliver);
  }

  /** Resolves once all sessions that ended have let go. */
  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  async #putBack(session: Session, deliver: LeanSubscription<Session>): Promise<void> {
    const { bus, subscriptions, metrics } = this.#deps;
    if (!bus.connected) {
      subscriptions.remove(deliver);
      session.unacked = undefined;
      return;
    }
    await subscriptions.drain(deliver);
    const { unacked } = session;
    session.unacked = undefined;
    if (unacked === undefined) return;
    metrics.acks.add('nak', unacked.size);
    unacked.takeAll((item) => void bus.publish(item.ackSubject, NAK));
  }

  #onMessage(session: Session, msg: Msg): void {
    const ackSubject = msg.reply ?? '';
    if (!ackSubject.startsWith(JETSTREAM_ACK_PREFIX)) {
      if (ackSubject !== '') void this.#release(session, ackSubject);
      return;
    }
    const decoded = decodeInbox(msg.data);
    if (decoded === undefined) {
      this.#deps.logger.error('not an inbox message: dropped');
      this.#deps.bus.publish(ackSubject, TERM);
      return;
    }
    const { header, body } = decoded;
    session.lastQ += 1;
    const q = session.lastQ;
    session.unacked ??= new UnackedQueue();
    if (session.unacked.size === 0) session.ackDueSince = Date.now();
    if (!session.unacked.push({ q, ackSubject, header })) {
      this.#deps.hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT);
      return;
    }
    this.#count += 1;
    if (this.#count % TIMED_EVERY === 0) this.#time(ackSubject);
    if (header.kind === 'conversation') this.#deps.onConversation(session);
    if (header.isNameless || session.held !== undefined) {
      this.#deps.nameless.hold(session, { q, header, body });
    } else {
      this.#deps.hub.sendSoon(session, header.kind, frameWithQ(body, q));
    }
  }

  /** A router opens a newer session of the device: it waits until we have put back. */
  async #release(session: Session, answerTo: string): Promise<void> {
    const { bus, hub, logger } = this.#deps;
    const ending = this.stop(session);
    hub.close(session, CLOSE.REPLACED);
    await ending;
    try {
      if (bus.connected) await bus.nc.flush();
      bus.publish(answerTo, RELEASED);
    } catch (error) {
      logger.warn({ err: error }, 'release not confirmed');
    }
  }

  #settleAcknowledged(): void {
    this.#ackTimer = undefined;
    for (const session of this.#acknowledged) this.#settle(session);
    this.#acknowledged.clear();
  }

  #settle(session: Session): void {
    const { unacked, acknowledgedQ, userId } = session;
    const { bus, reports, metrics } = this.#deps;
    if (unacked === undefined || userId === undefined || !bus.connected) return;
    unacked.takeUpTo(acknowledgedQ, ({ ackSubject, header }) => {
      bus.publish(ackSubject, ACK);
      metrics.acks.add('ack');
      // One's own messages count as delivered by having been sent.
      if (header.kind !== 'message' || header.senderId === userId) return;
      reports.add(header.conversationId, userId, header.seq);
    });
    if (unacked.size === 0) session.unacked = undefined;
  }

  #time(ackSubject: string): void {
    const tokens = ackSubject.split('.');
    const storedAtMs = Number(tokens[tokens.length === V1_TOKENS ? 7 : 9]) / NS_PER_MS;
    const tookMs = Date.now() - storedAtMs;
    if (tookMs >= 0) this.#deps.metrics.deliverSeconds.observe(tookMs / MS_PER_S);
  }
}

/** `$JS.ACK.<stream>.<consumer>.<times>.<seq>.<seq>.<stored, ns>.<pending>`; newer: two more. */
const V1_TOKENS = 9;
const NS_PER_MS = 1e6;
const MS_PER_S = 1_000;
