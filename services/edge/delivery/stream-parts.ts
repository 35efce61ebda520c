import type { Bus } from '../../../shared/nats/bus.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { SubscriptionKind, Subscriptions } from '../session/subscriptions.ts';
import type { DeliveredReports } from './delivered-reports.ts';
import type { LateTakes } from './late-takes.ts';
import type { OfferAnswers } from './offer-answers.ts';

/** A client is sent this once it has a `q`: the `type` of the frame, and its JSON. */
export type Numbered = { type: string; isNameless: boolean; body: Uint8Array };

/** A held event is on its way to the socket; `q` is the number that the stream gave to it. */
export type HeldEvent = Numbered & { q: number };

/** A stream needs this of its session. */
export type StreamOwner = {
  readonly deviceId: string;
  isInUse(nowMs: number): boolean;
};

/** All streams of an edge share these parts. */
export type StreamParts<Stream, Owner extends StreamOwner> = {
  bus: Pick<Bus, 'connected' | 'publish'>;
  subscriptions: Pick<Subscriptions, 'add' | 'remove' | 'drain'>;
  answers: Pick<OfferAnswers, 'taken' | 'toQueue'>;
  reports: Pick<DeliveredReports, 'add'>;
  lateTakes: Pick<LateTakes, 'add'>;
  metrics: Pick<EdgeMetrics, 'acks'>;
  /** Offers arrive on a subscription of this kind, and the request to let go of the device. */
  device: SubscriptionKind<Stream>;
  /** JetStream sends to a stream while it has a subscription of this kind, so while it is bound. */
  queue: SubscriptionKind<Stream>;
  /** Routers wait until the clients of these streams acknowledge. */
  offered: Set<Stream>;
  /** Puts events back into their queue, and resolves once the queue has them. Never rejects. */
  putBack(ackSubjects: readonly string[]): Promise<void>;
  /** The stream leaves its queue: it is to be looked at until it has let go of the queue. */
  leaving(stream: Stream): void;
  /** Brings the event to the client. */
  show(stream: Stream, event: HeldEvent): void;
  /** Closes a session whose client does not acknowledge. */
  close(owner: Owner): void;
};
