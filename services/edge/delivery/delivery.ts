import { decodeDurableEvent, frameWithQ } from '../../../shared/contracts/events.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import type { Subscriptions } from '../session/subscriptions.ts';
import { storedAtOf } from './ack-subject.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import { DeviceStream, type StreamParts } from './device-stream.ts';
import type { LateTakes } from './late-takes.ts';
import type { NamelessEvents } from './nameless-events.ts';
import { OfferAnswers } from './offer-answers.ts';
import type { HeldEvent } from './unacked.ts';

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

type Stream = DeviceStream<Session>;

const encoder = new TextEncoder();
const TERM = encoder.encode('+TERM');
const RELEASED = encoder.encode('released');
const HELD = encoder.encode('held');
/** A client has this long to acknowledge an offer. Routers wait twice as long. */
const PATIENCE_MS = 1_000;
/**
 * The edge passes acknowledgements on in bursts, this long after they came. If an edge is killed
 * meanwhile, its clients get a few events again. No message waits for this: 40 ms instead of 20
 * save a twentieth of the CPU that a message costs at 200 messages/s.
 */
const ACKS_DELAY_MS = 40;
/**
 * A stream that goes live listens to its queue for this long, because an event that is stored
 * meanwhile may come a little later. UNSUBs of several streams go out together.
 */
const LINGER_MS = 100;
/** One of this many copies from queues is timed. */
const TIMED_EVERY = 16;
const MS_PER_S = 1_000;

/**
 * Keeps the streams of all sessions of this edge going: it opens and ends them, hands them what
 * comes from routers, queues and clients, and has the timers that all of them share.
 *
 * A session takes from its queue until the queue is empty. Then its stream is live, and leaves the
 * queue alone. Routers first offer each event to the devices that they know. A live stream sends
 * the event, and answers `taken` once its client has acknowledged it; the queue sees this event
 * only if another device of the user did not take it. In all other cases (the stream takes from its
 * queue, the client lags or leaves, nobody is there) the queue gets the event, and only then does
 * the router count the user as served. A stream that leaves an event to the queue takes from the
 * queue until the event has come, so order is kept. It recognises an event that comes both ways by
 * its id.
 *
 * The stream sends NAK only after the flush: before, the server would hand the event to the dying
 * subscription again. JetStream may send an event in the instant in which it learns of the UNSUB
 * (measured: less than a millisecond), and nobody receives it. It sends this event again after
 * `ack_wait`, 10 s, to the session that takes from the queue then: late, never lost.
 *
 * The edge holds acknowledgements while NATS is away, and sends them after the reconnect. An
 * acknowledgement that is lost on the way causes a repeat, never a loss.
 */
export class Delivery {
  readonly #deps: Deps;
  readonly #parts: StreamParts<Session>;
  readonly #ending = new Set<Promise<void>>();
  /** The clients of these streams have acknowledged events, and nobody has been told of it yet. */
  readonly #acknowledged = new Set<Stream>();
  #settling: NodeJS.Timeout | undefined;
  #lingering: Stream[] = [];
  #unbinding: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { bus, hub, metrics } = deps;
    this.#parts = {
      ...deps,
      answers: new OfferAnswers({ bus, metrics }),
      receiveAsked: this.#guarded((stream, msg) => this.#onAsked(stream, msg)),
      receiveCopy: this.#guarded((stream, msg) => this.#onCopy(stream, msg)),
      offered: new Set(),
      linger: (stream) => this.#linger(stream),
      show: (stream, event) => this.#show(stream, event),
      close: (session) => hub.close(session, CLOSE.NO_ACKNOWLEDGEMENT),
    };
  }

  /** Lets events flow to the session; `auth_ok` must have been sent. */
  start(session: Session, userId: UserId): void {
    session.stream ??= new DeviceStream(session, userId, this.#parts);
    session.stream.open(!session.resumed);
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
    for (const { stream } of this.#deps.hub.sessions) {
      stream?.settle();
      stream?.takeFromQueue('reconnected');
    }
  }

  /** The user's queues hold an event that was not offered, so the session takes from its queue. */
  queued({ stream }: Session): void {
    stream?.takeFromQueue('shared');
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
      else if (nowMs - oldestAtMs > PATIENCE_MS) stream.takeFromQueue('late');
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
    if (event !== undefined) stream.offer(event, asker);
    else if (msg.string() === 'release') void this.#release(stream.owner, asker);
    else this.#deps.bus.publish(asker, HELD);
  }

  #onCopy(stream: Stream, msg: Msg): void {
    const ackSubject = msg.reply ?? '';
    const event = decodeDurableEvent(msg.data);
    if (event === undefined) {
      this.#deps.logger.error('not a durable event: dropped');
      this.#deps.bus.publish(ackSubject, TERM);
      return;
    }
    if (stream.copy(event, ackSubject)) this.#time(ackSubject);
  }

  #show(stream: Stream, event: HeldEvent): void {
    const { hub, nameless, onConversation } = this.#deps;
    const { q, type, isNameless, body } = event;
    if (type === 'conversation') onConversation(stream.owner);
    if (isNameless || stream.held !== undefined) nameless.hold(stream, event);
    else hub.sendSoon(stream.owner, type, frameWithQ(body, q));
  }

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

  #settleAll(): void {
    this.#settling = undefined;
    for (const stream of this.#acknowledged) stream.settle();
    this.#acknowledged.clear();
  }

  #linger(stream: Stream): void {
    this.#lingering.push(stream);
    this.#unbinding ??= setTimeout(() => this.#unbindAll(), LINGER_MS);
  }

  #unbindAll(): void {
    this.#unbinding = undefined;
    const lingering = this.#lingering;
    this.#lingering = [];
    for (const stream of lingering) {
      if (!stream.isLive) continue;
      stream.unbind().catch((error: unknown) => {
        // The connection was lost: all sessions take from their queues after the reconnect.
        this.#deps.logger.debug({ err: error }, 'queue not left');
      });
    }
  }

  #time(ackSubject: string): void {
    this.#count += 1;
    if (this.#count % TIMED_EVERY !== 0) return;
    const tookMs = Date.now() - storedAtOf(ackSubject);
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
