import type { DurableEventHeader } from '../../../shared/contracts/events.ts';
import { routerOfAsker } from '../../../shared/contracts/offer-answers.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { LeanSubscription } from '../session/subscriptions.ts';
import type { QueueDelivery } from './ack-subject.ts';
import { Resync } from './resync.ts';
import { type SentEvent, SentEvents } from './sent-events.ts';
import type { HeldEvent, Numbered, StreamOwner, StreamParts } from './stream-parts.ts';
import { GONE, LAGGING, next, type StreamInput, type StreamState } from './stream-state.ts';

/** A durable event as it came, from a router or from the queue. */
type CameEvent = { header: DurableEventHeader; body: Uint8Array };
type Offer = { event: CameEvent; asker: string; after: number };
type Delivered = { ackSubject: string; delivery: QueueDelivery };
type Copy = Delivered & { event: CameEvent };
type Heard = { eventId: EventId; isRefused: boolean };
type Marker = Delivered & { markerId: EventId };
type Refused = { eventId: EventId; hasCome: boolean };

type Stream<Owner extends StreamOwner> = DeviceStream<Owner>;
type Parts<Owner extends StreamOwner> = StreamParts<Stream<Owner>, Owner>;

const ACK = new Uint8Array(0);
/**
 * A stream remembers at most this many refused events that its queue has not sent. Beyond, it
 * forgets the oldest, because a copy never comes where a router died.
 */
const REFUSED_MAX = 256;

/**
 * The way in which one session gets the events of its device. It owns all that this takes: the
 * state (`stream-state.ts`), the two subscriptions, the numbering by `q`, and what the client was
 * sent (`sent-events.ts`). Others ask it.
 *
 *     offer ──live──► sent ──client's ack──► `taken`             (and reported as delivered)
 *       └─► queue ──► sent ──client's ack──► acked in JetStream  (and reported as delivered)
 *                       └──session ends──► UNSUB of the queue, open offers refused,
 *                                          flush, NAK in order, UNSUB of the device
 *
 * A process holds 20 000 streams, so a stream has plain fields, all set from the start, and neither
 * a timer nor a closure of its own. A field that is rarely needed is undefined until then.
 */
export class DeviceStream<Owner extends StreamOwner> {
  readonly owner: Owner;
  readonly userId: UserId;
  readonly #parts: Parts<Owner>;
  #state: StreamState = GONE;
  #device: LeanSubscription<Stream<Owner>> | undefined = undefined;
  #queue: LeanSubscription<Stream<Owner>> | undefined = undefined;
  #sent: SentEvents | undefined = undefined;
  /** The stream refused these events, and its queue has yet to send them. */
  #refused: Set<EventId> | undefined = undefined;
  /** This is the highest number, within its stream, of what the queue has sent. */
  #highest = 0;
  #lastQ = 0;
  /**
   * The client has acknowledged all events up to this `q`. The queue knows of them 40 ms later, or
   * once NATS is back.
   */
  #acknowledgedQ = 0;
  /** An acknowledgement is due since then, by `steadyMs`. It means nothing while none is due. */
  #ackDueSince = 0;
  /** This is set once the stream leaves, and `ended` resolves when it has let go of all. */
  #ending: { ended: Promise<void>; resolve: () => void } | undefined = undefined;
  /** These events wait for names or for the reader, or behind one that does, see `HeldEvents`. */
  held: HeldEvent[] | undefined = undefined;
  #resync: Resync | undefined = undefined;

  constructor(owner: Owner, userId: UserId, parts: Parts<Owner>) {
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
    const { subscriptions, device, queue } = this.#parts;
    this.#device = subscriptions.add(new LeanSubscription<Stream<Owner>>(device, this));
    this.#queue = subscriptions.add(new LeanSubscription<Stream<Owner>>(queue, this));
    this.#enter({ kind: 'opened', isNew });
  }

  /** A router offers an event; `asker` is told what becomes of it. */
  offer({ event, asker, after }: Offer): void {
    const { eventId } = event.header;
    const sent = this.#sent?.find(eventId);
    if (sent?.isAcknowledged) {
      this.#parts.answers.taken(asker, this.owner.isInUse(steadyMs()));
      return;
    }
    if (sent?.askers !== undefined) {
      this.#sent?.addAsker(sent, asker);
      return;
    }
    const { unacked } = this;
    const why = unacked >= LAGGING ? 'lagging' : 'after';
    this.#enter({ kind: 'offered', after, highest: this.#highest, unacked }, why);
    const isForQueue = !this.isLive || sent !== undefined || this.#refused?.has(eventId);
    if (isForQueue || !this.#send(event, { asker })) {
      this.#refuse({ eventId, hasCome: sent?.ackSubject !== undefined }, asker, 'queue');
      return;
    }
    this.#parts.offered.add(this);
  }

  /** The queue sends an event. Returns whether it is new to the client. */
  copy({ event, ackSubject, delivery }: Copy): boolean {
    if (this.#state.kind === 'gone') return false;
    const { eventId } = event.header;
    const isRefused = this.#refused?.delete(eventId) === true;
    if (this.#refused?.size === 0) this.#refused = undefined;
    const sent = this.#sent?.find(eventId);
    if (sent === undefined) this.#send(event, { ackSubject });
    else if (sent.isAcknowledged) {
      this.#acknowledge(ackSubject);
      this.#tellRouters(sent, undefined);
    } else sent.ackSubject = ackSubject;
    this.#heard(delivery, { eventId, isRefused });
    return sent === undefined;
  }

  /**
   * The queue sends its marker. Returns the resync that begins with it, or undefined where the
   * client was told of the queue on this stream.
   */
  marker({ markerId, ackSubject, delivery }: Marker): Resync | undefined {
    if (this.#state.kind === 'gone') return undefined;
    const fate = this.#resync?.take(markerId, ackSubject) ?? 'another';
    if (fate === 'over') this.#acknowledge(ackSubject);
    const resync = fate === 'another' ? this.beginResync({ expectsMarker: false }) : undefined;
    resync?.take(markerId, ackSubject);
    this.#heard(delivery, { eventId: markerId, isRefused: false });
    return this.#ending === undefined ? resync : undefined;
  }

  /** The client acknowledges all events up to `q`. Returns false where it had done so before. */
  acknowledge(q: number): boolean {
    const [waiting] = this.held ?? [];
    const upTo = Math.min(q, waiting === undefined ? this.#lastQ : waiting.q - 1);
    if (upTo <= this.#acknowledgedQ) return false;
    this.#acknowledgedQ = upTo;
    this.#ackDueSince = steadyMs();
    return true;
  }

  /** Passes on what the client has acknowledged, unless NATS is away. */
  settle(): void {
    const { bus, reports } = this.#parts;
    if (!bus.connected) return;
    const nowMs = steadyMs();
    this.#sent?.acknowledge(this.#acknowledgedQ, nowMs, (sent, askers) => {
      if (sent.ackSubject !== undefined) this.#acknowledge(sent.ackSubject);
      this.#tellRouters(sent, askers);
    });
    const over = this.#resync?.acknowledge(this.#acknowledgedQ, this.#ending !== undefined);
    for (const ackSubject of over?.ackSubjects ?? []) this.#acknowledge(ackSubject);
    for (const [conversationId, seq] of over?.delivered ?? []) {
      reports.add([conversationId, this.userId, seq, Date.now()]);
    }
    if (this.#state.kind === 'fromQueue') this.#look(nowMs, false);
  }

  /**
   * Tells whether the client has owed an acknowledgement for longer than it may. Events that it has
   * acknowledged while NATS is away are not due.
   */
  isAcknowledgementLate(nowMs: number): boolean {
    if (this.#lastQ <= this.#acknowledgedQ) return false;
    return nowMs - this.#ackDueSince > LIMITS.acknowledgeTimeoutMs;
  }

  /** The edge was stopped for so long, see `Session.excuse`. */
  excuse(nowMs: number, stoppedMs: number): void {
    this.#ackDueSince = Math.min(nowMs, this.#ackDueSince + stoppedMs);
  }

  /** Begins a resync. A replay that is under way on this stream ends unfinished. */
  beginResync({ expectsMarker }: { expectsMarker: boolean }): Resync {
    this.#resync = new Resync(this.#resync, expectsMarker);
    return this.#resync;
  }

  /** Tells whether the replay of this resync is to go on. */
  isInResync(resync: Resync): boolean {
    return this.#resync === resync && this.#ending === undefined;
  }

  /** The replay has ended. Its end takes the next number, and the client acknowledges it. */
  endReplay(resync: Resync, end: Numbered): void {
    if (this.isInResync(resync)) resync.end(this.#show(end));
  }

  /** Returns when the oldest open offer was sent, or undefined where none is open. */
  get oldestOfferAtMs(): number | undefined {
    return this.#sent?.oldestOpenAtMs;
  }

  /** The client has not acknowledged an offer in time. */
  declineLate(nowMs: number): void {
    this.#look(nowMs, true);
  }

  /** Does what is due now. This is called about once a second. */
  look(nowMs: number): void {
    this.#sent?.forget(nowMs);
    if (this.#sent?.isEmpty) this.#sent = undefined;
    this.#look(nowMs, false);
  }

  /** NATS is back. Routers may have offered what never came. */
  reconnected(): void {
    this.settle();
    this.#enter({ kind: 'reconnected' }, 'reconnected');
  }

  /** Lets go of the queue. The device's next session gets the unacknowledged events first. */
  end(): Promise<void> {
    if (this.#ending === undefined && this.isOpen) {
      let resolve = (): void => undefined;
      const ended = new Promise<void>((settled) => {
        resolve = settled;
      });
      this.#ending = { ended, resolve };
      this.held = undefined;
      this.settle();
      if (this.#parts.bus.connected) this.#enter({ kind: 'ended', unacked: this.unacked });
      // The server sends the events again by itself, after `ack_wait`.
      else this.#release();
    }
    return this.#ending?.ended ?? Promise.resolve();
  }

  /**
   * Lets go of a queue that is about to be deleted. The next `q` follows the last event that the
   * client has seen.
   */
  abandon(): void {
    this.settle();
    this.#declineOpen('ended');
    const [unseen] = this.held ?? [];
    if (unseen !== undefined) this.#lastQ = unseen.q - 1;
    this.#acknowledgedQ = this.#lastQ;
    this.held = undefined;
    this.#highest = 0;
    this.#release();
  }

  /** Counts the events that the client has not acknowledged. */
  get unacked(): number {
    return this.#sent?.unacked ?? 0;
  }

  /** The queue has sent something. */
  #heard({ seq, isFirst, pending }: QueueDelivery, about: Heard): void {
    if (seq > this.#highest) this.#highest = seq;
    this.#enter({ kind: 'copied', ...about, isFirst, pending, unacked: this.unacked }, 'more');
  }

  #look(nowMs: number, isLate: boolean): void {
    if (!this.#parts.bus.connected && this.#state.kind !== 'leaving') return;
    this.#enter({ kind: 'looked', unacked: this.unacked, isLate }, 'late', nowMs);
  }

  /** Enters the state that follows, and does what belongs to it. `why` counts refused offers. */
  #enter(input: StreamInput, why = '', nowMs = steadyMs()): void {
    const before = this.#state;
    const after = next(before, input, nowMs);
    this.#state = after;
    if (before.kind === 'live' && after.kind === 'fromQueue') this.#declineOpen(why);
    if (after.kind !== 'leaving') return;
    const wasBound = before.kind !== 'leaving' || before.isBound;
    if (wasBound && !after.isBound) void this.#letGo();
    else if (before.kind !== 'leaving') this.#parts.leaving(this);
  }

  /** Gives the open offers to the queue, because nothing newer may come there before them. */
  #declineOpen(why: string): void {
    this.#sent?.closeOpen(({ header, ackSubject }, askers) => {
      const { eventId } = header;
      const refused = { eventId, hasCome: ackSubject !== undefined };
      for (const asker of askers) this.#refuse(refused, asker, why);
    });
  }

  /** Leaves an event to the queue. Nothing is to be awaited where the queue has sent it already. */
  #refuse({ eventId, hasCome }: Refused, asker: string, why: string): void {
    this.#parts.answers.toQueue(asker, why);
    if (hasCome) return;
    this.#refused ??= new Set();
    this.#refused.add(eventId);
    if (this.#refused.size > REFUSED_MAX) {
      const [oldest] = this.#refused;
      this.#refused.delete(oldest as EventId);
    }
    this.#enter({ kind: 'refused', router: routerOfAsker(asker), eventId });
  }

  /** Sends the event. Returns false where the stream cannot take it, so that the queue keeps it. */
  #send({ header, body }: CameEvent, from: { asker?: string; ackSubject?: string }): boolean {
    this.#sent ??= new SentEvents();
    const { asker, ackSubject } = from;
    const askers = asker === undefined ? undefined : [asker];
    const q = this.#lastQ + 1;
    const atMs = steadyMs();
    const sent = { q, header, ackSubject, askers, atMs, isAcknowledged: false, isToldLate: false };
    const isSent = this.#sent.add(sent);
    if (isSent) this.#show({ type: header.kind, isNameless: header.isNameless, body });
    else this.#parts.close(this.owner);
    return isSent;
  }

  /** Gives the next number to what the client is sent, and returns it. */
  #show({ type, isNameless, body }: Numbered): number {
    if (this.#lastQ <= this.#acknowledgedQ) this.#ackDueSince = steadyMs();
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

  /** Answers the routers whose offer is open. What the queue has too came late, if not by it. */
  #tellRouters(sent: SentEvent, askers: readonly string[] | undefined): void {
    const { answers, lateTakes, reports } = this.#parts;
    const [atMs, isInUse] = [Date.now(), this.owner.isInUse(steadyMs())];
    const { header, ackSubject, isToldLate } = sent;
    const { conversationId, eventId, seq } = header;
    const { userId } = this;
    for (const asker of askers ?? []) answers.taken(asker, isInUse);
    if (!isToldLate && (askers === undefined || ackSubject !== undefined)) {
      sent.isToldLate = true;
      const { deviceId } = this.owner;
      lateTakes.add([conversationId, userId, deviceId, eventId, seq, atMs, isInUse]);
    }
    // A user's own messages count as delivered once they are sent.
    if (header.kind !== 'message' || header.senderId === userId) return;
    if (this.#resync?.isOver === false) this.#resync.addAcknowledged(conversationId, seq);
    else reports.add([conversationId, userId, seq, atMs]);
  }

  /**
   * Lets go of the queue, and then of the device. UNSUB and the refusals go out in one write, so
   * the queue does not send the stream what it refuses. The stream puts its events back only after
   * the flush: before, the server would hand them to the dying subscription again.
   */
  async #letGo(): Promise<void> {
    const { metrics, putBack } = this.#parts;
    const drained = this.#drain(this.#queue);
    this.#declineOpen('ended');
    const isDrained = await drained;
    const markers = this.#resync?.ackSubjects ?? [];
    if (isDrained) await putBack([...markers, ...(this.#sent?.ackSubjects() ?? [])]);
    else metrics.acks.add('not put back');
    await this.#drain(this.#device);
    this.#release();
  }

  /**
   * Ends a subscription. Resolves to true once all that was sent to it before has been received, or
   * to false where the connection is lost.
   */
  async #drain(subscription: LeanSubscription<Stream<Owner>> | undefined): Promise<boolean> {
    const { bus, subscriptions } = this.#parts;
    if (subscription === undefined || !bus.connected) return false;
    return subscriptions.drain(subscription).then(
      () => true,
      () => false,
    );
  }

  /** Ends what is left of the subscriptions at once. Offers that still arrive get no answer. */
  #release(): void {
    const { subscriptions } = this.#parts;
    if (this.#queue !== undefined) subscriptions.remove(this.#queue);
    if (this.#device !== undefined) subscriptions.remove(this.#device);
    this.#queue = undefined;
    this.#device = undefined;
    this.#sent = undefined;
    this.#refused = undefined;
    this.#resync = undefined;
    this.#enter({ kind: 'released' });
    this.#ending?.resolve();
  }
}
