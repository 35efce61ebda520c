import type { DurableEventHeader } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { LeanSubscription, type Subscriptions } from '../session/subscriptions.ts';
import { isLastOf } from './ack-subject.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import type { LateTakes } from './late-takes.ts';
import type { OfferAnswers } from './offer-answers.ts';
import { OfferedEvents } from './offered-events.ts';
import { Resync } from './resync.ts';
import { GONE, next, type StreamInput, type StreamState } from './stream-state.ts';
import { type HeldEvent, type Numbered, type Unacked, UnackedQueue } from './unacked.ts';

/** A durable event as it came, from a router or from the queue. */
type CameEvent = { header: DurableEventHeader; body: Uint8Array };

/** A stream needs this of its session. */
type StreamOwner = {
  readonly deviceId: string;
  isInUse(nowMs: number): boolean;
};

type Stream<Owner extends StreamOwner> = DeviceStream<Owner>;

/** All streams of an edge share these parts. */
export type StreamParts<Owner extends StreamOwner> = {
  bus: Bus;
  subscriptions: Subscriptions;
  answers: OfferAnswers;
  reports: DeliveredReports;
  lateTakes: LateTakes;
  metrics: EdgeMetrics;
  logger: Logger;
  /** These functions receive what comes on the two subscriptions of a stream. They do not throw. */
  receiveAsked: LeanSubscription<Stream<Owner>>['receive'];
  receiveCopy: LeanSubscription<Stream<Owner>>['receive'];
  /** Routers wait until the clients of these sessions acknowledge. */
  offered: Set<Stream<Owner>>;
  /** These streams went live, and are still bound to their queues. */
  linger(stream: Stream<Owner>): void;
  /** Brings the event to the client. */
  show(stream: Stream<Owner>, event: HeldEvent): void;
  /** Closes a session whose client does not acknowledge. */
  close(owner: Owner): void;
};

const ACK = new Uint8Array(0);
const NAK = new TextEncoder().encode('-NAK');

/**
 * The way in which one session gets the events of its device. It owns all that this takes: the
 * state (`stream-state.ts`), the two subscriptions, the numbering by `q`, and what the client was
 * sent and has not acknowledged. Others ask it.
 *
 *     offer ──live──► unacked ──client's ack──► `taken`           (and reported as delivered)
 *       └─► queue ──► unacked ──client's ack──► acked in JetStream (and reported as delivered)
 *                        └──session ends──► offers back to the queue; UNSUB, flush, NAK in order
 *
 * A process holds 20 000 streams, so a stream has plain fields, all set from the start, and neither
 * a timer nor a closure of its own. A field that is rarely needed is undefined until then.
 */
export class DeviceStream<Owner extends StreamOwner> {
  readonly owner: Owner;
  readonly userId: UserId;
  readonly #parts: StreamParts<Owner>;
  #state: StreamState = GONE;
  /** Offers arrive here, and the request to let go of the device. */
  #deviceSubscription: LeanSubscription<Stream<Owner>> | undefined = undefined;
  /** JetStream sends to a stream while it has this subscription, so while it is bound. */
  #queueSubscription: LeanSubscription<Stream<Owner>> | undefined = undefined;
  /** Routers offered these events, and the stream sent them without its queue. */
  #offered: OfferedEvents | undefined = undefined;
  #unacked: UnackedQueue | undefined = undefined;
  /** This promise is set once the stream lets go of its queue, and resolves when it has. */
  #ending: Promise<void> | undefined = undefined;
  #lastQ = 0;
  /**
   * The client has acknowledged all events up to this `q`. The queue knows of them 40 ms later, or
   * once NATS is back.
   */
  #acknowledgedQ = 0;
  /**
   * An acknowledgement is due since this time, in epoch ms; the value means nothing while none is
   * due.
   */
  #ackDueSince = 0;
  /** These events wait for names, or behind an event that does, see `NamelessEvents`. */
  held: HeldEvent[] | undefined = undefined;
  #resync: Resync | undefined = undefined;

  constructor(owner: Owner, userId: UserId, parts: StreamParts<Owner>) {
    this.owner = owner;
    this.userId = userId;
    this.#parts = parts;
  }

  get isLive(): boolean {
    return this.#state.kind === 'live';
  }

  /** Tells whether the stream holds its device and queue, and does not leave them. */
  get isOpen(): boolean {
    return this.#state.kind === 'live' || this.#state.kind === 'fromQueue';
  }

  /** Takes the device and its queue. `isNew` says that the queue was made for this session. */
  open(isNew: boolean): void {
    const { subscriptions, receiveAsked } = this.#parts;
    const subject = subjects.device(this.userId, this.owner.deviceId);
    this.#deviceSubscription = subscriptions.add(
      new LeanSubscription<Stream<Owner>>(subject, this, receiveAsked),
    );
    this.#enter({ kind: 'opened', isNew });
  }

  /** A router offers an event; `asker` is told what becomes of it. */
  offer(event: CameEvent, asker: string): void {
    const { answers } = this.#parts;
    const { eventId } = event.header;
    const known = this.#offered?.repeated(eventId, asker);
    if (known === 'open') return;
    if (known === 'taken') {
      answers.taken(asker, this.owner.isInUse(Date.now()));
      return;
    }
    this.#enter({ kind: 'offered', unacked: this.#unackedCount }, 'lagging');
    const isForQueue = known === 'owed' || !this.isLive;
    const item = isForQueue ? undefined : this.#send(event, undefined);
    if (item === undefined) {
      if (known !== 'owed') this.#enter({ kind: 'refused', eventId });
      answers.toQueue(asker, 'queue');
      return;
    }
    this.#offered ??= new OfferedEvents();
    this.#offered.add(item, asker);
    this.#parts.offered.add(this);
  }

  /** The queue sends an event. Returns whether it is new to the client. */
  copy(event: CameEvent, ackSubject: string): boolean {
    const { eventId } = event.header;
    const sent = this.#offered?.takeCopy(eventId);
    if (sent === 'acknowledged') this.#acknowledge(ackSubject);
    else if (sent !== undefined) sent.ackSubject = ackSubject;
    else this.#send(event, ackSubject);
    const isLast = isLastOf(ackSubject);
    const unacked = this.#unackedCount;
    this.#enter({ kind: 'copied', eventId, isLast, unacked, random: Math.random() }, 'more');
    return sent === undefined;
  }

  /** The client acknowledges all events up to `q`. Returns false where it had done so before. */
  acknowledge(q: number): boolean {
    const [waiting] = this.held ?? [];
    const upTo = Math.min(q, waiting === undefined ? this.#lastQ : waiting.q - 1);
    if (upTo <= this.#acknowledgedQ) return false;
    this.#acknowledgedQ = upTo;
    this.#ackDueSince = Date.now();
    return true;
  }

  /** Passes on what the client has acknowledged, unless NATS is away. */
  settle(): void {
    const { bus, reports } = this.#parts;
    if (!bus.connected) return;
    const nowMs = Date.now();
    if (this.#resync?.isOver(this.#acknowledgedQ)) {
      for (const [conversationId, seq] of this.#resync.replayed) {
        reports.add([conversationId, this.userId, seq, nowMs]);
      }
      this.#resync = undefined;
    }
    this.#unacked?.takeUpTo(this.#acknowledgedQ, ({ ackSubject, header }) => {
      if (ackSubject !== undefined) this.#acknowledge(ackSubject);
      this.#tellRouters(header, nowMs);
      // A user's own messages count as delivered once they are sent.
      if (header.kind !== 'message' || header.senderId === this.userId) return;
      reports.add([header.conversationId, this.userId, header.seq, nowMs]);
    });
    if (this.#unackedCount === 0) this.#unacked = undefined;
  }

  /**
   * Tells whether the client has owed an acknowledgement for longer than it may. Events that it has
   * acknowledged while NATS is away are not due.
   */
  isAcknowledgementLate(nowMs: number): boolean {
    if (this.#lastQ <= this.#acknowledgedQ) return false;
    return nowMs - this.#ackDueSince > LIMITS.acknowledgeTimeoutMs;
  }

  /** Begins a resync. A replay that is under way on this stream ends unfinished. */
  beginResync(): Resync {
    this.#resync = new Resync();
    return this.#resync;
  }

  isInResync(resync: Resync): boolean {
    return this.#resync === resync;
  }

  /** The replay has ended. Its end takes the next number, and the client acknowledges it. */
  endReplay(resync: Resync, end: Numbered): void {
    if (this.isInResync(resync)) resync.endQ = this.#show(end);
  }

  /** Returns when the oldest open offer was sent, or undefined where none is open. */
  get oldestOfferAtMs(): number | undefined {
    if (this.#offered === undefined || this.#offered.openCount === 0) return undefined;
    return this.#offered.oldestAtMs;
  }

  /** Lets the stream take from its queue, until the queue is empty and nothing can come again. */
  takeFromQueue(why: string): void {
    this.#enter({ kind: 'disturbed' }, why);
  }

  /** Does what is due now. This is called about once a second. */
  look(nowMs: number): void {
    this.#offered?.forget(nowMs);
    const unacked = this.#unackedCount;
    this.#enter({ kind: 'looked', unacked, random: Math.random() }, 'checked', nowMs);
  }

  /** Lets go of the queue. The device's next session gets the unacknowledged events first. */
  end(): Promise<void> {
    if (this.#ending === undefined && this.#deviceSubscription !== undefined) {
      this.settle();
      this.#enter({ kind: 'ended' }, 'ended');
      this.held = undefined;
      this.#resync = undefined;
      this.#ending = this.#letGo().then(() => this.#enter({ kind: 'released' }));
    }
    return this.#ending ?? Promise.resolve();
  }

  /**
   * Lets go of a queue that is about to be deleted. The next `q` follows the last event that the
   * client has seen.
   */
  abandon(): void {
    const { subscriptions } = this.#parts;
    this.settle();
    this.#enter({ kind: 'ended' }, 'ended');
    const [unseen] = this.held ?? [];
    if (unseen !== undefined) this.#lastQ = unseen.q - 1;
    this.#acknowledgedQ = this.#lastQ;
    this.held = undefined;
    this.#resync = undefined;
    this.#offered = undefined;
    this.#unacked = undefined;
    this.#drop();
    if (this.#deviceSubscription !== undefined) subscriptions.remove(this.#deviceSubscription);
    this.#deviceSubscription = undefined;
    this.#enter({ kind: 'released' });
  }

  /**
   * Ends the subscription of the queue. Resolves when all events that JetStream sent before have
   * been received.
   */
  async unbind(): Promise<void> {
    const subscription = this.#queueSubscription;
    this.#queueSubscription = undefined;
    if (subscription !== undefined) await this.#parts.subscriptions.drain(subscription);
  }

  get #unackedCount(): number {
    return this.#unacked?.size ?? 0;
  }

  /** Enters the state that follows, and does what belongs to it. `why` counts refused offers. */
  #enter(input: StreamInput, why = '', nowMs = Date.now()): void {
    const before = this.#state;
    const after = next(before, input, nowMs);
    this.#state = after;
    if (after === before || after.kind === before.kind) return;
    if (after.kind === 'live') {
      this.#parts.linger(this);
      return;
    }
    // Open offers go to the queue first, because nothing newer may come there before them.
    if (before.kind === 'live') this.#decline(why);
    if (after.kind === 'fromQueue') this.#bind();
  }

  #bind(): void {
    if (this.#queueSubscription !== undefined) return;
    const { subscriptions, receiveCopy } = this.#parts;
    const subject = subjects.deliver(this.userId, this.owner.deviceId);
    this.#queueSubscription = subscriptions.add(
      new LeanSubscription<Stream<Owner>>(subject, this, receiveCopy),
    );
  }

  /** Gives the open offers to the queue. */
  #decline(why: string): void {
    if (this.oldestOfferAtMs === undefined) return;
    const { newest, askers } = (this.#offered as OfferedEvents).giveToQueue();
    for (const asker of askers) this.#parts.answers.toQueue(asker, why);
    if (newest !== undefined) this.#enter({ kind: 'refused', eventId: newest });
  }

  /**
   * Sends the event. Returns undefined where the stream cannot take it; the event then stays in the
   * queue.
   */
  #send({ header, body }: CameEvent, ackSubject: string | undefined): Unacked | undefined {
    this.#unacked ??= new UnackedQueue();
    const item = { q: this.#lastQ + 1, ackSubject, header };
    if (!this.#unacked.push(item)) {
      this.#parts.close(this.owner);
      return undefined;
    }
    this.#show({ type: header.kind, isNameless: header.isNameless, body });
    return item;
  }

  /** Gives the next number to what the client is sent, and returns it. */
  #show({ type, isNameless, body }: Numbered): number {
    if (this.#lastQ <= this.#acknowledgedQ) this.#ackDueSince = Date.now();
    this.#lastQ += 1;
    const q = this.#lastQ;
    // A stream that ends sends its client nothing more, and returns the event to the queue.
    if (this.#ending === undefined) this.#parts.show(this, { q, type, isNameless, body });
    return q;
  }

  #acknowledge(ackSubject: string): void {
    this.#parts.bus.publish(ackSubject, ACK);
    this.#parts.metrics.acks.add('ack');
  }

  /** Answers the routers whose offer is open. If none is, the event came late. */
  #tellRouters(header: DurableEventHeader, nowMs: number): void {
    const { answers, lateTakes } = this.#parts;
    const { conversationId, eventId, seq } = header;
    const { deviceId } = this.owner;
    const isInUse = this.owner.isInUse(nowMs);
    this.#offered ??= new OfferedEvents();
    const askers = this.#offered.acknowledge(eventId as EventId);
    for (const asker of askers) answers.taken(asker, isInUse);
    if (askers.length > 0) return;
    lateTakes.add([conversationId, this.userId, deviceId, eventId, seq, nowMs, isInUse]);
  }

  async #letGo(): Promise<void> {
    const { subscriptions, metrics, logger } = this.#parts;
    try {
      await this.#putBack();
    } catch (error) {
      // The connection was lost: the server sends the events again by itself, after `ack_wait`.
      metrics.acks.add('not put back');
      logger.debug({ err: error }, 'queue not put back');
    }
    // Offers that arrive until the server knows are refused, because the stream is leaving.
    const subscription = this.#deviceSubscription;
    if (subscription === undefined) return;
    await subscriptions.drain(subscription).catch((error: unknown) => {
      logger.debug({ err: error }, 'device not let go of');
    });
  }

  async #putBack(): Promise<void> {
    const { bus, metrics } = this.#parts;
    if (!bus.connected) {
      this.#drop();
      this.#unacked = undefined;
      return;
    }
    await this.unbind();
    const unacked = this.#unacked;
    this.#unacked = undefined;
    unacked?.takeAll(({ ackSubject }) => {
      if (ackSubject === undefined) return;
      metrics.acks.add('nak');
      bus.publish(ackSubject, NAK);
    });
  }

  /** Ends the subscription of the queue at once, so that nothing more is received. */
  #drop(): void {
    const subscription = this.#queueSubscription;
    this.#queueSubscription = undefined;
    if (subscription !== undefined) this.#parts.subscriptions.remove(subscription);
  }
}
