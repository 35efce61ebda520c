import {
  decodeDurableEvent,
  decodeQueueMarker,
  frameWithQ,
} from '../../../shared/contracts/events.ts';
import { AFTER_HEADER } from '../../../shared/contracts/offer-answers.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { CLOSE, type CloseCode } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { Subscriptions } from '../session/subscriptions.ts';
import { type QueueDelivery, readDelivery } from './ack-subject.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import { DeviceStream } from './device-stream.ts';
import type { HeldEvents } from './held-events.ts';
import type { LateTakes } from './late-takes.ts';
import { OfferAnswers } from './offer-answers.ts';
import type { Resync } from './resync.ts';
import type { HeldEvent, StreamParts } from './stream-parts.ts';
import { LEAVE_MS } from './stream-state.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  hub: Hub;
  reports: DeliveredReports;
  lateTakes: LateTakes;
  held: HeldEvents;
  /** A conversation of the session's user changed, its participants for example. */
  onConversation: (session: Session) => void;
  /** The queue is newer than what the client was told. The resync begins now. */
  onResync: (stream: Stream, resync: Resync) => void;
  metrics: EdgeMetrics;
  logger: Logger;
};

type Stream = DeviceStream<Session>;

const encoder = new TextEncoder();
const NAK = encoder.encode('-NAK');
const TERM = encoder.encode('+TERM');
const RELEASED = encoder.encode('released');
const HELD = encoder.encode('held');
const NEWER = encoder.encode('newer');
const LEAVE = /^(release|sign-out)(?: (\d+))?$/;
/** A client has this long to acknowledge an offer. Routers wait twice as long. */
const PATIENCE_MS = 1_000;
/**
 * The edge passes acknowledgements on in bursts, this long after they came. If an edge is killed
 * meanwhile, its clients get a few events again. No message waits for this: 40 ms instead of 20
 * save a twentieth of the CPU that a message costs at 200 messages/s.
 */
const ACKS_DELAY_MS = 40;
/** A queue has this long to confirm that it has events back. */
const PUT_BACK_MS = 1_000;
/** One of this many copies from queues is timed. */
const TIMED_EVERY = 16;
const MS_PER_S = 1_000;

/**
 * Keeps the streams of all sessions of this edge going: it opens and ends them, hands them what
 * comes from routers, queues and clients, and has the timers that all of them share.
 *
 * A session takes from its queue until the queue is empty. Then its stream is live. Routers first
 * offer each event to the devices that they know. A live stream sends the event, and answers
 * `taken` once its client has acknowledged it. In all other cases (the stream takes from its queue,
 * the client lags or leaves, nobody is there) the queue gets the event, and only then does the
 * router count the user as served. A stream that leaves an event to the queue takes from the queue
 * until the event has come, so order is kept. It recognises an event that comes both ways by its
 * id.
 *
 * JetStream may send an event in the instant in which it learns that a stream has let go of the
 * queue (measured: less than a millisecond), and nobody receives it. It sends this event again
 * after `ack_wait`, 10 s, to the session that takes from the queue then: late, never lost.
 *
 * The edge holds acknowledgements while NATS is away, and sends them after the reconnect. An
 * acknowledgement that is lost on the way causes a repeat, never a loss.
 */
export class Delivery {
  readonly #deps: Deps;
  readonly #parts: StreamParts<Stream, Session>;
  readonly #ending = new Set<Promise<void>>();
  /** The clients of these streams have acknowledged events, and nobody has been told of it yet. */
  readonly #acknowledged = new Set<Stream>();
  #settling: NodeJS.Timeout | undefined;
  /** These streams take what their queues have begun to send. The oldest comes first. */
  #leaving: { stream: Stream; untilMs: number }[] = [];
  #leaveTimer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { bus, hub, metrics } = deps;
    this.#parts = {
      ...deps,
      answers: new OfferAnswers({ bus, metrics }),
      device: {
        subjectOf: ({ userId, owner }) => subjects.device(userId, owner.deviceId),
        receive: this.#guarded((stream, msg) => this.#onAsked(stream, msg)),
      },
      queue: {
        subjectOf: ({ userId, owner }) => subjects.deliver(userId, owner.deviceId),
        receive: this.#guarded((stream, msg) => this.#onCopy(stream, msg)),
      },
      offered: new Set(),
      putBack: (ackSubjects) => this.#putBack(ackSubjects),
      leaving: (stream) => this.#watchLeaving(stream),
      show: (stream, event) => this.#show(stream, event),
      close: (session) => hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT),
    };
  }

  /**
   * Lets events flow to the session; `auth_ok` must have been sent. `isNew` says that the queue was
   * made for this session.
   */
  start(session: Session, userId: UserId, isNew: boolean): void {
    session.stream ??= new DeviceStream(session, userId, this.#parts);
    session.stream.open(isNew);
  }

  /** The client acknowledges all events up to `q`. */
  acknowledge({ stream }: Session, q: number): void {
    if (stream === undefined || !stream.acknowledge(q)) return;
    this.#acknowledged.add(stream);
    this.#settling ??= setTimeout(() => this.#settleAll(), ACKS_DELAY_MS);
  }

  /**
   * Sends the acknowledgements that had to wait, and lets all sessions take from their queues,
   * because they may have missed offers.
   */
  reconnected(): void {
    for (const { stream } of this.#deps.hub.sessions) stream?.reconnected();
  }

  /**
   * Lets sessions take from their queues where the client did not acknowledge an offer in time. A
   * router waits 2 s for the answer, but a queue waits 10 s (`ack_wait`).
   */
  declineLate(nowMs: number): void {
    const { offered } = this.#parts;
    for (const stream of offered) {
      const oldestAtMs = stream.oldestOfferAtMs;
      if (oldestAtMs === undefined) offered.delete(stream);
      else if (nowMs - oldestAtMs > PATIENCE_MS) stream.declineLate(nowMs);
    }
  }

  /** Lets go of the queue. The device's next session gets the unacknowledged events first. */
  stop({ stream }: Session): Promise<void> {
    if (stream === undefined) return Promise.resolve();
    const ending = stream.end();
    if (this.#ending.has(ending)) return ending;
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return ending;
  }

  /** Resolves once all sessions that ended have let go of their queues. */
  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  /** Receives what a router offers to the device, or its request for the device itself. */
  #onAsked(stream: Stream, msg: Msg): void {
    const asker = msg.reply;
    if (asker === undefined) return;
    const event = decodeDurableEvent(msg.data);
    if (event !== undefined) stream.offer({ event, asker, after: afterOf(msg) });
    else this.#answerRouter(stream.owner, msg.string(), asker);
  }

  /**
   * An open session stays if its opening began after what asks for its device. A router of
   * the version before tells no epoch, and gets the device.
   */
  #answerRouter(session: Session, asked: string, asker: string): void {
    const leave = LEAVE.exec(asked);
    if (leave === null) {
      this.#deps.bus.publish(asker, HELD);
      return;
    }
    const epoch = Number(leave[2] ?? Number.POSITIVE_INFINITY);
    const code = leave[1] === 'sign-out' ? CLOSE.KICKED : CLOSE.REPLACED;
    if (session.state === 'open' && session.epoch > epoch) this.#deps.bus.publish(asker, NEWER);
    else void this.#release(session, code, asker);
  }

  #onCopy(stream: Stream, msg: Msg): void {
    const ackSubject = msg.reply ?? '';
    const delivery = readDelivery(ackSubject);
    const event = decodeDurableEvent(msg.data);
    if (event !== undefined) {
      if (stream.copy({ event, ackSubject, delivery })) this.#time(delivery);
      return;
    }
    const markerId = decodeQueueMarker(msg.data);
    if (markerId === undefined) {
      this.#deps.logger.error('not a durable event: dropped');
      this.#deps.bus.publish(ackSubject, TERM);
      return;
    }
    const resync = stream.marker({ markerId, ackSubject, delivery });
    if (resync !== undefined) this.#deps.onResync(stream, resync);
  }

  #show(stream: Stream, event: HeldEvent): void {
    const { hub, held, onConversation } = this.#deps;
    const { owner } = stream;
    const { q, type, isNameless, body } = event;
    if (type === 'conversation') onConversation(owner);
    const mustWait = isNameless || stream.held !== undefined || hub.isBehind(owner);
    if (mustWait) held.hold(stream, event);
    else hub.sendSoon(owner, type, frameWithQ(body, q));
  }

  async #release(session: Session, code: CloseCode, answerTo: string): Promise<void> {
    const { bus, hub } = this.#deps;
    const ending = this.stop(session);
    hub.close(session, code);
    await ending;
    bus.publish(answerTo, RELEASED);
  }

  /** Puts events back into their queue in order, and resolves once the queue has them. */
  async #putBack(ackSubjects: readonly string[]): Promise<void> {
    const { bus, metrics, logger } = this.#deps;
    const last = ackSubjects.at(-1);
    if (last === undefined) return;
    for (const ackSubject of ackSubjects.slice(0, -1)) bus.publish(ackSubject, NAK);
    metrics.acks.add('nak', ackSubjects.length);
    try {
      await bus.confirm(last, NAK, { timeoutMs: PUT_BACK_MS });
    } catch (error) {
      metrics.acks.add('not put back');
      logger.debug({ err: error }, 'queue not put back');
    }
  }

  #settleAll(): void {
    this.#settling = undefined;
    for (const stream of this.#acknowledged) stream.settle();
    this.#acknowledged.clear();
  }

  #watchLeaving(stream: Stream): void {
    this.#leaving.push({ stream, untilMs: steadyMs() + LEAVE_MS });
    this.#leaveTimer ??= setTimeout(() => this.#lookAtLeaving(), LEAVE_MS);
  }

  #lookAtLeaving(): void {
    const nowMs = steadyMs();
    const rest = this.#leaving.findIndex(({ untilMs }) => untilMs > nowMs);
    const due = rest === -1 ? this.#leaving.splice(0) : this.#leaving.splice(0, rest);
    for (const { stream } of due) stream.look(nowMs);
    const [next] = this.#leaving;
    this.#leaveTimer =
      next && setTimeout(() => this.#lookAtLeaving(), Math.max(1, next.untilMs - nowMs));
  }

  #time({ storedAtMs }: QueueDelivery): void {
    this.#count += 1;
    if (this.#count % TIMED_EVERY !== 0) return;
    const tookMs = Date.now() - storedAtMs;
    if (tookMs >= 0) this.#deps.metrics.deliverSeconds.observe(tookMs / MS_PER_S);
  }

  /**
   * Keeps one event that cannot be sent from ending the connection. The event comes again by
   * itself.
   */
  #guarded(receive: (stream: Stream, msg: Msg) => void) {
    return (stream: Stream, msg: Msg): void => {
      try {
        receive(stream, msg);
      } catch (error) {
        this.#deps.logger.error({ err: error }, 'event not sent');
      }
    };
  }
}

/** Returns the number of the event that the router put into the queue before, or 0 for none. */
function afterOf({ headers }: Msg): number {
  return headers === undefined ? 0 : Number(headers.get(AFTER_HEADER)) || 0;
}
