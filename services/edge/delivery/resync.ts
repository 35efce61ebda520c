import type { ConversationId, EventId } from '../../../shared/ids.ts';

type Phase = 'replaying' | 'ended' | 'over';
/**
 * A marker that `waits` is acknowledged with the end of the replay. One that is `over` has been
 * dealt with on this stream. `another` one stands for a queue of which the client was not told.
 */
type Fate = 'waits' | 'over' | 'another';

/**
 * The client of a stream was told that its queue may lack something. The undelivered messages are
 * replayed, and the end of the replay is numbered like an event. Once the client acknowledges that
 * number, the markers of the queue are acknowledged, and all that was replayed counts as delivered.
 *
 *     replaying ──the replay ends──► ended ──client's ack──► over
 *
 * A session that ends before leaves the marker to the device's next session, which is told again.
 * The queue repeats its marker every 10 s until then. A repeat begins nothing.
 */
export class Resync {
  /**
   * The client has these, up to this `seq` of each conversation, once it acknowledges the end. They
   * are the replayed messages (≤ 1000), and the events that it acknowledged meanwhile. A position
   * that an event raised sooner would leave out the older messages that are yet to be replayed.
   */
  #delivered: Map<ConversationId, number> | undefined = undefined;
  /** These are the acknowledged events alone. */
  #acknowledged: Map<ConversationId, number> | undefined = undefined;
  /**
   * A marker is acknowledged on the subject that is its value. A queue has one marker, or more if
   * several routers made it at once.
   */
  readonly #markers = new Map<EventId, string>();
  /**
   * The queue was made for this session, so its first marker stands for what the client was told.
   */
  readonly #expectsMarker: boolean;
  #phase: Phase = 'replaying';
  #endQ = 0;

  /** This resync also finishes an unfinished one of the same stream. */
  constructor(unfinished: Resync | undefined, expectsMarker: boolean) {
    this.#expectsMarker = expectsMarker;
    if (unfinished === undefined || unfinished.isOver) return;
    this.#delivered = unfinished.#delivered;
    this.#acknowledged = unfinished.#acknowledged;
    this.#markers = unfinished.#markers;
  }

  /** A message was replayed. */
  add(conversationId: ConversationId, seq: number): void {
    this.#delivered = raised(this.#delivered, conversationId, seq);
  }

  /** The client has acknowledged an event that is no part of the replay. */
  addAcknowledged(conversationId: ConversationId, seq: number): void {
    this.add(conversationId, seq);
    this.#acknowledged = raised(this.#acknowledged, conversationId, seq);
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** The end of the replay was sent with this number. */
  end(q: number): void {
    this.#phase = 'ended';
    this.#endQ = q;
  }

  /** The queue sends its marker, perhaps again. */
  take(markerId: EventId, ackSubject: string): Fate {
    const isExpected = this.#expectsMarker && this.#markers.size === 0;
    const isKnown = isExpected || this.#markers.has(markerId);
    if (this.#phase !== 'replaying' && !isKnown) return 'another';
    this.#markers.set(markerId, ackSubject);
    return this.isOver ? 'over' : 'waits';
  }

  /** The markers that the queue has to send again if the session ends now. */
  get ackSubjects(): string[] {
    return this.isOver ? [] : [...this.#markers.values()];
  }

  /**
   * The client has acknowledged all up to `q`. Returns what is done with by that, or undefined if
   * the resync is not over, or has been over before. Where the session `isEnding`, and no marker
   * makes the next session replay, the acknowledged events are done with even so.
   */
  acknowledge(q: number, isEnding: boolean) {
    if (this.#phase !== 'ended' || q < this.#endQ) {
      const isRepeated = this.#expectsMarker || this.#markers.size > 0;
      if (!isEnding || isRepeated || this.isOver) return undefined;
      return { ackSubjects: [], delivered: [...(this.#acknowledged ?? [])] };
    }
    const { ackSubjects } = this;
    const delivered = [...(this.#delivered ?? [])];
    this.#phase = 'over';
    this.#delivered = undefined;
    this.#acknowledged = undefined;
    return { ackSubjects, delivered };
  }
}

function raised(
  positions: Map<ConversationId, number> | undefined,
  conversationId: ConversationId,
  seq: number,
): Map<ConversationId, number> {
  const before = positions ?? new Map<ConversationId, number>();
  return before.set(conversationId, Math.max(seq, before.get(conversationId) ?? 0));
}
