import type { DurableEventHeader } from '../../../shared/contracts/events.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { Session } from '../session/session.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import type { LateTakes } from './late-takes.ts';
import type { OfferAnswers } from './offer-answers.ts';
import { OfferedEvents } from './offered-events.ts';

type Deps = {
  bus: Bus;
  answers: OfferAnswers;
  reports: DeliveredReports;
  lateTakes: LateTakes;
  metrics: EdgeMetrics;
};

const ACK = new Uint8Array(0);
/**
 * The edge passes acknowledgements on in bursts, this long after they came. If an edge is killed
 * meanwhile, its clients get a few events again.
 */
const DELAY_MS = 20;

/**
 * Passes acknowledgements of clients on: to the queue that sent the event, to the routers that
 * offered it, and to the routers that are told what was delivered and what was taken late. While
 * NATS is away, the acknowledgements wait on their sessions.
 */
export class Acknowledgements {
  readonly #deps: Deps;
  /** The clients of these sessions have acknowledged events, and nobody has been told of it yet. */
  readonly #due = new Set<Session>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The client acknowledges all events up to `q`. */
  add(session: Session, q: number): void {
    const [next] = session.held ?? [];
    const upTo = Math.min(q, next === undefined ? session.lastQ : next.q - 1);
    if (upTo <= session.acknowledgedQ) return;
    session.acknowledgedQ = upTo;
    session.ackDueSince = Date.now();
    this.#due.add(session);
    this.#timer ??= setTimeout(() => this.#settleAll(), DELAY_MS);
  }

  /** Passes on what the session's client has acknowledged, unless NATS is away. */
  settle(session: Session): void {
    const { unacked, acknowledgedQ, userId } = session;
    if (unacked === undefined || userId === undefined || !this.#deps.bus.connected) return;
    const nowMs = Date.now();
    unacked.takeUpTo(acknowledgedQ, ({ ackSubject, header }) => {
      if (ackSubject !== undefined) this.toQueue(ackSubject);
      this.#tellRouters(session, header, nowMs);
      // A user's own messages count as delivered once they are sent.
      if (header.kind !== 'message' || header.senderId === userId) return;
      this.#deps.reports.add([header.conversationId, userId, header.seq, nowMs]);
    });
    if (unacked.size === 0) session.unacked = undefined;
  }

  toQueue(ackSubject: string): void {
    this.#deps.bus.publish(ackSubject, ACK);
    this.#deps.metrics.acks.add('ack');
  }

  /** Answers the routers whose offer is open. If none is, the event came late. */
  #tellRouters(session: Session, header: DurableEventHeader, nowMs: number): void {
    const { answers, lateTakes } = this.#deps;
    const { conversationId, eventId, seq } = header;
    const isInUse = session.isInUse(nowMs);
    session.offered ??= new OfferedEvents();
    const askers = session.offered.acknowledge(eventId);
    for (const asker of askers) answers.taken(asker, isInUse);
    if (askers.length > 0) return;
    const userId = session.userId as UserId;
    lateTakes.add([conversationId, userId, session.deviceId, eventId, seq, nowMs, isInUse]);
  }

  #settleAll(): void {
    this.#timer = undefined;
    for (const session of this.#due) this.settle(session);
    this.#due.clear();
  }
}
