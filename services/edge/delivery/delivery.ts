import {
  type DurableEventHeader,
  decodeDurableEvent,
  frameWithQ,
} from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { LeanSubscription, type Subscriptions } from '../session/subscriptions.ts';
import { isLastOf, storedAtOf } from './ack-subject.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import type { LateTakes } from './late-takes.ts';
import type { NamelessEvents } from './nameless-events.ts';
import { OfferAnswers } from './offer-answers.ts';
import { OfferedEvents } from './offered-events.ts';
import { isLagging, QueueBinding } from './queue-binding.ts';
import { type Unacked, UnackedQueue } from './unacked.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  reports: DeliveredReports;
  lateTakes: LateTakes;
  nameless: NamelessEvents;
  /** A conversation of the session's user changed, its participants for example. */
  onConversation: (session: Session) => void;
  metrics: EdgeMetrics;
  logger: Logger;
};

type Event = { header: DurableEventHeader; body: Uint8Array };

const encoder = new TextEncoder();
const NAK = encoder.encode('-NAK');
const TERM = encoder.encode('+TERM');
const RELEASED = encoder.encode('released');
const HELD = encoder.encode('held');
/** A client has this long to acknowledge an offer. Routers wait twice as long. */
const PATIENCE_MS = 1_000;
/** One of this many copies from queues is timed. */
const TIMED_EVERY = 16;
const MS_PER_S = 1_000;

/**
 * Brings events from router and queue to the socket, and acknowledgements back.
 *
 * A session takes from its queue until the queue is empty. Then the session is live, and leaves the
 * queue alone. Routers first offer each event to the devices that they know. A live session sends
 * the event, and answers `taken` once its client has acknowledged it; the queue sees this event
 * only if another device of the user did not take it. In all other cases (the session takes from
 * its queue, the client lags or leaves, nobody is there) the queue gets the event, and only then
 * does the router count the user as served. So an event waits in one of two places:
 *
 *     offer ──live──► unacked ──client's ack──► `taken`           (and reported as delivered)
 *       └─► queue ──► unacked ──client's ack──► acked in JetStream (and reported as delivered)
 *                        └──session ends──► offers back to the queue; UNSUB, flush, NAK in order
 *
 * A session that leaves an event to the queue takes from the queue until the event has come, so
 * order is kept. A session recognises an event that comes both ways by its id.
 *
 * The session sends NAK only after the flush: before, the server would hand the event to the dying
 * subscription again. JetStream may send an event in the instant in which it learns of the UNSUB
 * (measured: less than a millisecond), and nobody receives it. It sends this event again after
 * `ack_wait`, 10 s, to the session that takes from the queue then: late, never lost.
 *
 * The edge holds acknowledgements while NATS is away, and sends them after the reconnect. An
 * acknowledgement that is lost on the way causes a repeat, never a loss.
 */
export class Delivery {
  readonly #deps: Deps;
  readonly #binding: QueueBinding;
  readonly #answers: OfferAnswers;
  readonly #acknowledgements: Acknowledgements;
  readonly #ending = new Set<Promise<void>>();
  /** Routers wait until the clients of these sessions acknowledge. */
  readonly #offered = new Set<Session>();
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { bus, subscriptions, metrics, logger } = deps;
    this.#answers = new OfferAnswers({ bus, metrics });
    this.#acknowledgements = new Acknowledgements({ ...deps, answers: this.#answers });
    const receive = this.#guarded((session: Session, msg) => this.#onQueueCopy(session, msg));
    this.#binding = new QueueBinding({ subscriptions, receive, logger });
  }

  /** Lets events flow to the session; `auth_ok` must have been sent. */
  start(session: Session, userId: UserId): void {
    const subject = subjects.device(userId, session.deviceId);
    const subscription = new LeanSubscription(subject, session, this.#receiveAsked);
    session.deviceSubscription = this.#deps.subscriptions.add(subscription);
    this.#binding.start(session);
  }

  /** The client acknowledges all events up to `q`. */
  acknowledge(session: Session, q: number): void {
    this.#acknowledgements.add(session, q);
  }

  /**
   * Sends the acknowledgements that had to wait, and lets all sessions take from their queues,
   * because they may have missed offers.
   */
  reconnected(): void {
    for (const session of this.#deps.hub.sessions) {
      this.#acknowledgements.settle(session);
      if (session.deviceSubscription === undefined || session.ending !== undefined) continue;
      this.#takeFromQueue(session, 'reconnected');
    }
  }

  /** The user's queues hold an event that was not offered, so the session takes from its queue. */
  queued(session: Session): void {
    if (session.deviceSubscription !== undefined && session.ending === undefined) {
      this.#takeFromQueue(session, 'shared');
    }
  }

  /**
   * Lets sessions take from their queues where the client did not acknowledge an offer in time. A
   * router waits 2 s for the answer, but a queue waits 10 s (`ack_wait`).
   */
  declineLate(nowMs: number): void {
    for (const session of this.#offered) {
      const { offered } = session;
      if (offered === undefined || offered.openCount === 0) this.#offered.delete(session);
      else if (nowMs - offered.oldestAtMs > PATIENCE_MS) this.#takeFromQueue(session, 'late');
    }
  }

  /**
   * Makes the session live, or ends its live time, where that is due. The rounds call this about
   * once a second for each session.
   */
  look(session: Session, nowMs: number): void {
    session.offered?.forget(nowMs);
    if (!session.isLive) this.#binding.goLiveIfDue(session, nowMs);
    else if (nowMs > session.liveUntil) this.#takeFromQueue(session, 'checked');
  }

  /** Lets go of the queue. The device's next session gets the unacknowledged events first. */
  stop(session: Session): Promise<void> {
    const { deviceSubscription } = session;
    if (session.ending !== undefined) return session.ending;
    if (deviceSubscription === undefined) return Promise.resolve();
    this.#acknowledgements.settle(session);
    this.#decline(session, 'ended');
    session.isLive = false;
    session.held = undefined;
    const ending = this.#putBack(session)
      .catch((error: unknown) => {
        // The connection was lost: the server sends the events again by itself, after `ack_wait`.
        this.#deps.metrics.acks.add('not put back');
        this.#deps.logger.debug({ err: error }, 'queue not put back');
      })
      .then(() => this.#letGoOf(deviceSubscription));
    session.ending = ending;
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return ending;
  }

  /**
   * Lets go of a queue that is about to be deleted. The next `q` follows the last event that the
   * client has seen.
   */
  abandon(session: Session): void {
    const { deviceSubscription, held } = session;
    this.#acknowledgements.settle(session);
    this.#decline(session, 'ended');
    session.isLive = false;
    session.offered = undefined;
    session.deviceSubscription = undefined;
    if (held?.[0] !== undefined) session.lastQ = held[0].q - 1;
    session.held = undefined;
    session.unacked = undefined;
    session.acknowledgedQ = session.lastQ;
    this.#binding.drop(session);
    if (deviceSubscription !== undefined) this.#deps.subscriptions.remove(deviceSubscription);
  }

  /** Resolves once all sessions that ended have let go of their queues. */
  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  /** Gives the open offers to the queue first, because nothing newer may come there before them. */
  #takeFromQueue(session: Session, why: string): void {
    const newest = this.#decline(session, why);
    this.#binding.take(session);
    session.leftToQueue = newest ?? session.leftToQueue;
  }

  /** Gives the open offers to the queue, and returns the newest of them. */
  #decline({ offered }: Session, why: string): EventId | undefined {
    if (offered === undefined || offered.openCount === 0) return undefined;
    const { newest, askers } = offered.giveToQueue();
    for (const asker of askers) this.#answers.toQueue(asker, why);
    return newest;
  }

  /**
   * Stops offers to the device. Offers that arrive until the server knows are refused, because
   * `ending` is set.
   */
  async #letGoOf(subscription: LeanSubscription<Session>): Promise<void> {
    try {
      await this.#deps.subscriptions.drain(subscription);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'device not let go of');
    }
  }

  async #putBack(session: Session): Promise<void> {
    const { bus, metrics } = this.#deps;
    if (!bus.connected) {
      this.#binding.drop(session);
      session.unacked = undefined;
      return;
    }
    await this.#binding.leave(session);
    const { unacked } = session;
    session.unacked = undefined;
    unacked?.takeAll(({ ackSubject }) => {
      if (ackSubject === undefined) return;
      metrics.acks.add('nak');
      bus.publish(ackSubject, NAK);
    });
  }

  #onOffer(session: Session, event: Event, asker: string): void {
    const { eventId } = event.header;
    const known = session.offered?.repeated(eventId, asker);
    if (known === 'open') return;
    if (known === 'taken') {
      this.#answers.taken(asker, session.isInUse(Date.now()));
      return;
    }
    if (session.isLive && isLagging(session)) this.#takeFromQueue(session, 'lagging');
    const isForQueue = known === 'owed' || !session.isLive || session.ending !== undefined;
    const item = isForQueue ? undefined : this.#send(session, event, undefined);
    if (item === undefined) {
      if (known !== 'owed') session.leftToQueue = eventId;
      this.#answers.toQueue(asker, 'queue');
      return;
    }
    session.offered ??= new OfferedEvents();
    session.offered.add(item, asker);
    this.#offered.add(session);
  }

  #onQueueCopy(session: Session, msg: Msg): void {
    const { bus, logger } = this.#deps;
    const ackSubject = msg.reply ?? '';
    const event = decodeDurableEvent(msg.data);
    if (event === undefined) {
      logger.error('not a durable event: dropped');
      bus.publish(ackSubject, TERM);
      return;
    }
    const { eventId } = event.header;
    const sent = session.offered?.takeCopy(eventId);
    if (sent === 'acknowledged') {
      this.#acknowledgements.toQueue(ackSubject);
    } else if (sent !== undefined) {
      sent.ackSubject = ackSubject;
    } else {
      this.#send(session, event, ackSubject);
      this.#count += 1;
      if (this.#count % TIMED_EVERY === 0) this.#time(ackSubject);
    }
    const isLast = isLastOf(ackSubject);
    if (session.isLive && !isLast) this.#takeFromQueue(session, 'more');
    this.#binding.sent(session, eventId, isLast);
    this.#binding.goLiveIfDue(session, Date.now());
  }

  /**
   * Sends the event. Returns undefined where the session cannot take it; the event then stays in
   * the queue.
   */
  #send(session: Session, event: Event, ackSubject: string | undefined): Unacked | undefined {
    const { hub, nameless, onConversation } = this.#deps;
    const { header, body } = event;
    session.lastQ += 1;
    const q = session.lastQ;
    session.unacked ??= new UnackedQueue();
    if (session.unacked.size === 0) session.ackDueSince = Date.now();
    const item = { q, ackSubject, header };
    if (!session.unacked.push(item)) {
      hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT);
      return undefined;
    }
    // A session that ends sends its client nothing more: `#putBack` returns the event to the queue.
    if (session.ending !== undefined) return item;
    if (header.kind === 'conversation') onConversation(session);
    if (header.isNameless || session.held !== undefined) {
      nameless.hold(session, { q, header, body });
    } else {
      hub.sendSoon(session, header.kind, frameWithQ(body, q));
    }
    return item;
  }

  /** Receives what a router offers to the device, or its request for the device itself. */
  readonly #receiveAsked = this.#guarded((session: Session, msg) => {
    const asker = msg.reply;
    if (asker === undefined) return;
    const event = decodeDurableEvent(msg.data);
    if (event !== undefined) this.#onOffer(session, event, asker);
    else if (msg.string() === 'release') void this.#release(session, asker);
    else this.#deps.bus.publish(asker, HELD);
  });

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

  #time(ackSubject: string): void {
    const tookMs = Date.now() - storedAtOf(ackSubject);
    if (tookMs >= 0) this.#deps.metrics.deliverSeconds.observe(tookMs / MS_PER_S);
  }

  /**
   * Keeps one event that cannot be sent from ending the connection. The event comes again by
   * itself.
   */
  #guarded<Target>(receive: (target: Target, msg: Msg) => void) {
    return (target: Target, msg: Msg): void => {
      try {
        receive(target, msg);
      } catch (error) {
        this.#deps.logger.error({ err: error }, 'event not sent');
      }
    };
  }
}
