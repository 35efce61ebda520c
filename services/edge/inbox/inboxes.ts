import type { BusinessSignal } from '../../../shared/contracts/business-signals.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { InboxHeadShape } from '../../../shared/protocol/inbox-shapes.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Session } from '../session/session.ts';
import {
  LeanSubscription,
  type SubscriptionKind,
  type Subscriptions,
} from '../session/subscriptions.ts';
import { type InboxDeps, WatchedInbox } from './watched-inbox.ts';

type Deps = Omit<InboxDeps, 'onLeft' | 'held'> & {
  bus: Bus;
  subscriptions: Subscriptions;
  metrics: Metrics;
};
type Watched = { inbox: WatchedInbox; subscription: LeanSubscription<WatchedInbox> };

const SWEEP_MS = 100;
/** An edge reads this many heads at a time, besides those of sessions that begin to watch. */
const HEADS_MAX = 16;
/** All sessions of this edge together watch at most this often. */
const WATCHERS_MAX = 50_000;
const RETRY_AFTER_S = 5;

/**
 * Knows which sessions watch the inboxes of which businesses, ≤ 20 a socket. A business that
 * somebody watches has one subscription, which begins before its inbox is read for the first time.
 */
export class Inboxes {
  readonly #deps: Deps;
  readonly #watched = new Map<BusinessId, Watched>();
  readonly #sweeping: NodeJS.Timeout;
  readonly #held = { sum: 0 };
  #watchers = 0;
  #reading = 0;
  readonly #kind: SubscriptionKind<WatchedInbox> = {
    subjectOf: ({ businessId }) => subjects.business(businessId),
    receive: (inbox, msg) => this.#onMessage(inbox, msg),
  };

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#sweeping = setInterval(() => this.#sweep(steadyMs()), SWEEP_MS);
    deps.bus.onReconnect(() => {
      for (const { inbox } of this.#watched.values()) inbox.lookAgain();
    });
    const { gauge } = deps.metrics;
    gauge('kaha_edge_inboxes_watched', 'Inboxes watched here', () => this.#watched.size);
    gauge('kaha_edge_inbox_bytes', 'Signals of inboxes that wait', () => this.#held.sum);
    gauge('kaha_edge_inbox_watchers', 'Watches of inboxes', () => this.#watchers);
  }

  /**
   * Resolves with the inbox as it is now, and tells the session from then on. INVALID_REQUEST
   * refuses the 21st inbox of a socket, and FORBIDDEN those who are no agents of the business.
   */
  async watch(session: Session, userId: UserId, businessId: BusinessId): Promise<InboxHeadShape> {
    const inboxes = session.inboxes ?? new Set();
    if (!inboxes.has(businessId)) {
      if (inboxes.size >= LIMITS.inboxWatchesMax) {
        const message = `A socket watches at most ${LIMITS.inboxWatchesMax} inboxes`;
        throw new KahaError('INVALID_REQUEST', message);
      }
      if (this.#watchers >= WATCHERS_MAX) {
        const options = { retryAfterS: RETRY_AFTER_S };
        throw new KahaError('RATE_LIMITED', 'Too many watch inboxes here', options);
      }
      inboxes.add(businessId);
      session.inboxes = inboxes;
      this.#watchers += 1;
    }
    const { inbox } = this.#watched.get(businessId) ?? this.#add(businessId);
    return await inbox.watch(session, userId);
  }

  unwatch(session: Session, businessId: BusinessId): void {
    this.#watched.get(businessId)?.inbox.leave(session);
  }

  closed(session: Session): void {
    for (const businessId of session.inboxes ?? []) this.unwatch(session, businessId);
  }

  close(): void {
    clearInterval(this.#sweeping);
  }

  #add(businessId: BusinessId): Watched {
    const onLeft = (session: Session): void => this.#left(session, businessId);
    const inbox = new WatchedInbox(businessId, { ...this.#deps, held: this.#held, onLeft });
    const subscription = new LeanSubscription(this.#kind, inbox);
    this.#deps.subscriptions.add(subscription);
    const watched = { inbox, subscription };
    this.#watched.set(businessId, watched);
    return watched;
  }

  #left(session: Session, businessId: BusinessId): void {
    if (session.inboxes?.delete(businessId)) this.#watchers -= 1;
    const watched = this.#watched.get(businessId);
    if (watched === undefined || watched.inbox.size > 0) return;
    this.#watched.delete(businessId);
    this.#deps.subscriptions.remove(watched.subscription);
  }

  #sweep(nowMs: number): void {
    // An inbox that is read goes to the end of the map, so all get their turn.
    for (const [businessId, watched] of [...this.#watched]) {
      if (!watched.inbox.sweep(nowMs) || this.#reading >= HEADS_MAX) continue;
      this.#watched.delete(businessId);
      this.#watched.set(businessId, watched);
      void this.#read(watched.inbox);
    }
  }

  async #read(inbox: WatchedInbox): Promise<void> {
    this.#reading += 1;
    try {
      await inbox.readHead();
    } finally {
      this.#reading -= 1;
    }
  }

  #onMessage(inbox: WatchedInbox, msg: Msg): void {
    try {
      inbox.receive(parseJson(msg.data) as BusinessSignal, msg.data.length);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'signal of a business not understood');
    }
  }
}
