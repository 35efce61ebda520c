import { decodeInbox, frameWithQ, type InboxHeader } from '../../../shared/contracts/events.ts';
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
import type { DeliveredReports } from './delivered-reports.ts';
import { LiveEvents } from './live-events.ts';
import type { NamelessEvents } from './nameless-events.ts';
import { OfferAnswers } from './offer-answers.ts';
import { isLagging, QueueBinding } from './queue-binding.ts';
import { type Unacked, UnackedQueue } from './unacked.ts';

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

type Event = { header: InboxHeader; body: Uint8Array };

const encoder = new TextEncoder();
const ACK = new Uint8Array(0);
const NAK = encoder.encode('-NAK');
const TERM = encoder.encode('+TERM');
const RELEASED = encoder.encode('released');
const HELD = encoder.encode('held');
/**
 * What clients acknowledged is passed on so late, in bursts. An edge that is killed meanwhile has
 * sent a little more again.
 */
const ACK_DELAY_MS = 20;
/** So long a client has to acknowledge; routers wait for twice that. */
const PATIENCE_MS = 1_000;
/** One of so many copies of queues is timed. */
const TIMED_EVERY = 16;
const MS_PER_S = 1_000;

/**
 * From router and queue to the socket and back.
 *
 * A session takes from its queue until that is empty; then it is live, and leaves the queue alone.
 * Routers offer each event to the devices they know first. A live session sends it, and answers
 * `taken` once its client has acknowledged it; the queue never sees it. Whatever else becomes of an
 * offer (the session takes from its queue, the client lags or leaves, nobody is there), the queue
 * gets the event, and the router strikes it off only then. So an event waits in one of two places:
 *
 *     offer ──live──► unacked ──client's ack──► `taken`           (and reported as delivered)
 *       └─► queue ──► unacked ──client's ack──► acked in JetStream (the same)
 *                        └──session ends──► offers back to the queue; UNSUB, flush, NAK in order
 *
 * Order: who leaves an event to the queue takes from the queue until it has come. An event that
 * comes both ways is told by its id.
 *
 * NAK only after the flush: before, the server would hand it to the dying subscription again. What
 * JetStream sends in the instant in which it learns of the UNSUB goes to nobody (measured: less
 * than a millisecond) and comes again after `ack_wait`, 10 s, to who takes from the queue: late,
 * never lost.
 * Acks are held while NATS is away and sent after the reconnect. One that is lost on the way means
 * a repeat, never a loss.
 */
export class Delivery {
  readonly #deps: Deps;
  readonly #binding: QueueBinding;
  readonly #answers: OfferAnswers;
  readonly #ending = new Set<Promise<void>>();
  /** Their clients have acknowledged what nobody has been told of. */
  readonly #acknowledged = new Set<Session>();
  /** Routers wait for their clients. */
  readonly #offered = new Set<Session>();
  #ackTimer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { bus, subscriptions, metrics, logger } = deps;
    this.#answers = new OfferAnswers({ bus, metrics });
    const receive = this.#guarded((session: Session, msg) => this.#onQueueCopy(session, msg));
    this.#binding = new QueueBinding({ subscriptions, receive, logger });
  }

  /** From now on events flow; `auth_ok` must be out. */
  start(session: Session, userId: UserId): void {
    const subject = subjects.device(userId, session.deviceId);
    const subscription = new LeanSubscription(subject, session, this.#receiveAsked);
    session.device = this.#deps.subscriptions.add(subscription);
    this.#binding.start(session);
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

  /** Offers may have been missed; acks had to wait. */
  reconnected(): void {
    for (const session of this.#deps.hub.sessions) {
      this.#settle(session);
      if (session.device === undefined || session.ending !== undefined) continue;
      this.#takeFromQueue(session, 'reconnected');
    }
  }

  /** The user's queues have something that came beside the offers. */
  queued(session: Session): void {
    if (session.device !== undefined && session.ending === undefined) {
      this.#takeFromQueue(session, 'shared');
    }
  }

  /** Clients that do not acknowledge in time: the queue has more patience. */
  declineLate(nowMs: number): void {
    for (const session of this.#offered) {
      const { live } = session;
      if (live === undefined || live.openCount === 0) this.#offered.delete(session);
      else if (nowMs - live.oldestAtMs > PATIENCE_MS) this.#takeFromQueue(session, 'late');
    }
  }

  /** To be called for each session about once a second. */
  look(session: Session, nowMs: number): void {
    session.live?.forget(nowMs);
    if (!session.isLive) this.#binding.perhapsLive(session, nowMs);
    else if (nowMs > session.liveUntil) this.#takeFromQueue(session, 'checked');
  }

  /** Lets go of the queue: what is unacknowledged comes first in the device's next session. */
  stop(session: Session): Promise<void> {
    const { device } = session;
    if (session.ending !== undefined) return session.ending;
    if (device === undefined) return Promise.resolve();
    this.#settle(session);
    this.#decline(session, 'ended');
    session.isLive = false;
    session.held = undefined;
    const ending = this.#putBack(session)
      .catch((error: unknown) => {
        // The connection went: the server sends it again by itself, after `ack_wait`.
        this.#deps.metrics.acks.add('not put back');
        this.#deps.logger.debug({ err: error }, 'queue not put back');
      })
      .then(() => this.#letGoOf(device));
    session.ending = ending;
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return ending;
  }

  /** Lets go of a queue that is about to be deleted; `q` goes on from what the client has seen. */
  abandon(session: Session): void {
    const { device, held } = session;
    this.#settle(session);
    this.#decline(session, 'ended');
    session.isLive = false;
    session.live = undefined;
    session.device = undefined;
    if (held?.[0] !== undefined) session.lastQ = held[0].q - 1;
    session.held = undefined;
    session.unacked = undefined;
    session.acknowledgedQ = session.lastQ;
    this.#binding.drop(session);
    if (device !== undefined) this.#deps.subscriptions.remove(device);
  }

  /** Resolves once all sessions that ended have let go. */
  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  /** What is open goes to the queue first: nothing newer may come there before it. */
  #takeFromQueue(session: Session, why: string): void {
    const newest = this.#decline(session, why);
    this.#binding.take(session);
    session.leftToQueue = newest ?? session.leftToQueue;
  }

  /** Gives what is open to the queue; the newest of it. */
  #decline({ live }: Session, why: string): EventId | undefined {
    if (live === undefined || live.openCount === 0) return undefined;
    const { newest, askers } = live.giveToQueue();
    for (const asker of askers) this.#answers.toQueue(asker, why);
    return newest;
  }

  /** What is offered until the server knows is refused: `ending` is set. */
  async #letGoOf(device: LeanSubscription<Session>): Promise<void> {
    try {
      await this.#deps.subscriptions.drain(device);
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
    const known = session.live?.repeated(eventId, asker);
    if (known === 'open') return;
    if (known === 'taken') {
      this.#answers.taken(asker);
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
    session.live ??= new LiveEvents();
    session.live.add(item, asker);
    this.#offered.add(session);
  }

  #onQueueCopy(session: Session, msg: Msg): void {
    const { bus, metrics, logger } = this.#deps;
    const ackSubject = msg.reply ?? '';
    const event = decodeInbox(msg.data);
    if (event === undefined) {
      logger.error('not an inbox message: dropped');
      bus.publish(ackSubject, TERM);
      return;
    }
    const { eventId } = event.header;
    const sent = session.live?.takeCopy(eventId);
    if (sent === 'acknowledged') {
      bus.publish(ackSubject, ACK);
      metrics.acks.add('ack');
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
    this.#binding.perhapsLive(session, Date.now());
  }

  /** Undefined where it is not taken, and stays in the queue. */
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
    // It only goes back.
    if (session.ending !== undefined) return item;
    if (header.kind === 'conversation') onConversation(session);
    if (header.isNameless || session.held !== undefined) {
      nameless.hold(session, { q, header, body });
    } else {
      hub.sendSoon(session, header.kind, frameWithQ(body, q));
    }
    return item;
  }

  /** A router has an event for the device, or asks for the device itself. */
  readonly #receiveAsked = this.#guarded((session: Session, msg) => {
    const asker = msg.reply;
    if (asker === undefined) return;
    const event = decodeInbox(msg.data);
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
      if (ackSubject !== undefined) {
        bus.publish(ackSubject, ACK);
        metrics.acks.add('ack');
      }
      session.live ??= new LiveEvents();
      for (const asker of session.live.acknowledge(header.eventId)) {
        this.#answers.taken(asker);
      }
      // One's own messages count as delivered by having been sent.
      if (header.kind !== 'message' || header.senderId === userId) return;
      reports.add(header.conversationId, userId, header.seq);
    });
    if (unacked.size === 0) session.unacked = undefined;
  }

  #time(ackSubject: string): void {
    const tookMs = Date.now() - storedAtOf(ackSubject);
    if (tookMs >= 0) this.#deps.metrics.deliverSeconds.observe(tookMs / MS_PER_S);
  }

  /** What comes again by itself: one event that cannot be sent must not end the connection. */
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
