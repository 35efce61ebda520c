import { Gate } from '../../../shared/concurrency/gate.ts';
import type { BusinessSignal } from '../../../shared/contracts/business-signals.ts';
import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { BusinessPresence } from '../../../shared/protocol/presence.ts';
import type { Session } from '../session/session.ts';
import {
  LeanSubscription,
  type SubscriptionKind,
  type Subscriptions,
} from '../session/subscriptions.ts';
import { businessPresence } from './business-presence.ts';

type Deps = {
  bus: Bus;
  subscriptions: Subscriptions;
  /** Asks store for the openings of ≤ 200 businesses. */
  ask: (ids: BusinessId[]) => Promise<readonly BusinessOpening[]>;
  /** Tells a watching session that the presence of a business changed. */
  tell: (session: Session, presence: BusinessPresence) => void;
  logger: Logger;
};

/** A watched business has one subscription, however many sessions watch. */
type Watched = {
  businessId: BusinessId;
  sessions: Set<Session>;
  presence: BusinessPresence | undefined;
  /** The presence was read after the subscription began, and after the last signal. */
  isSure: boolean;
  /** Store was asked last, and is to be asked again, at these times, by `steadyMs`. */
  askedAt: number;
  dueAt: number;
  reading: Promise<void> | undefined;
  subscription: LeanSubscription<Watched>;
};

const LOOK_MS = 250;
const BATCH_MAX = 200;
/** Store is asked for one business at most so often, whatever signals come. */
const GAP_MS = 1_000;
/** A business is read this often in any case, because signals may be lost. */
const HEAL_MS = 30_000;
/**
 * One edge watches so many businesses, which is about 700 reads/s. A session that names a further
 * one is refused.
 */
const BUSINESSES_MAX = 20_000;
const RETRY_AFTER_S = 30;
/** All that may be watched fits, and some sessions that begin to watch. */
const ASKED_MAX = { concurrencyMax: 8, waitingMax: 1_000 };

/**
 * Knows the presence of the businesses that are watched on this edge. It asks store again after a
 * signal, when hours or the grace of the last agent change the presence by themselves, and every
 * 30 s. It subscribes first and reads then, so that it misses no change in between.
 */
export class WatchedBusinesses {
  readonly #deps: Deps;
  readonly #watched = new Map<BusinessId, Watched>();
  readonly #gate = new Gate(ASKED_MAX);
  readonly #timer: NodeJS.Timeout;
  readonly #kind: SubscriptionKind<Watched> = {
    subjectOf: ({ businessId }) => subjects.business(businessId),
    receive: (watched, msg) => this.#onMessage(watched, msg),
  };

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#look(steadyMs()), LOOK_MS);
    deps.bus.onReconnect(() => {
      for (const watched of this.#watched.values()) this.#doubt(watched);
    });
  }

  get size(): number {
    return this.#watched.size;
  }

  /**
   * Resolves with the presence of the businesses, in their order, and tells the session of changes
   * from now on. Rejects where store or NATS is away, or too many are watched: then the session
   * watches no business that it has not watched before.
   */
  async watch(session: Session, ids: readonly BusinessId[]): Promise<BusinessPresence[]> {
    const wanted = [...new Set(ids)];
    const added = wanted.filter((id) => session.businesses?.has(id) !== true);
    try {
      for (const id of added) this.#join(session, id);
      await this.#learn(wanted);
    } catch (error) {
      this.unwatch(session, added);
      throw error;
    }
    return wanted.flatMap((id) => this.#watched.get(id)?.presence ?? []);
  }

  unwatch(session: Session, ids: Iterable<BusinessId>): void {
    for (const id of ids) {
      session.businesses?.delete(id);
      const watched = this.#watched.get(id);
      if (watched === undefined || !watched.sessions.delete(session)) continue;
      if (watched.sessions.size > 0) continue;
      this.#watched.delete(id);
      this.#deps.subscriptions.remove(watched.subscription);
    }
  }

  closed(session: Session): void {
    this.unwatch(session, session.businesses ?? []);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #join(session: Session, businessId: BusinessId): void {
    const watched = this.#watched.get(businessId) ?? this.#add(businessId);
    watched.sessions.add(session);
    session.businesses ??= new Set();
    session.businesses.add(businessId);
  }

  #add(businessId: BusinessId): Watched {
    if (this.#watched.size >= BUSINESSES_MAX) {
      const options = { retryAfterS: RETRY_AFTER_S };
      throw new KahaError('RATE_LIMITED', 'Too many businesses are watched here', options);
    }
    const watched = {
      ...{ businessId, sessions: new Set<Session>(), presence: undefined, isSure: false },
      ...{ askedAt: Number.NEGATIVE_INFINITY, dueAt: Number.POSITIVE_INFINITY, reading: undefined },
    };
    const all = watched as Omit<Watched, 'subscription'> as Watched;
    const subscription = new LeanSubscription(this.#kind, all);
    all.subscription = this.#deps.subscriptions.add(subscription);
    this.#watched.set(businessId, all);
    return all;
  }

  /** Reads what is not sure. A read under way may have begun before the last signal. */
  async #learn(ids: readonly BusinessId[]): Promise<void> {
    const find = (): Watched[] =>
      ids.flatMap((id) => this.#watched.get(id) ?? []).filter((one) => !this.#isSure(one));
    if (find().length === 0) return;
    // After this flush the server has every subscription that was made before.
    await this.#deps.bus.nc.flush();
    await Promise.all(find().map(({ reading }) => reading));
    await this.#readAll(find().filter(({ reading }) => reading === undefined));
    await Promise.all(find().map(({ reading }) => reading));
  }

  #isSure({ isSure, presence }: Watched): boolean {
    return isSure && presence !== undefined && this.#deps.bus.connected;
  }

  #look(nowMs: number): void {
    const due: Watched[] = [];
    for (const watched of this.#watched.values()) {
      if (watched.dueAt <= nowMs && watched.reading === undefined) due.push(watched);
    }
    this.#readAll(due).catch((error: unknown) => {
      this.#deps.logger.debug({ err: error }, 'presence of businesses not read');
    });
  }

  async #readAll(businesses: readonly Watched[]): Promise<void> {
    const reads: Promise<void>[] = [];
    for (let from = 0; from < businesses.length; from += BATCH_MAX) {
      const batch = businesses.slice(from, from + BATCH_MAX);
      const reading = this.#read(batch).finally(() => {
        for (const watched of batch) watched.reading = undefined;
      });
      for (const watched of batch) watched.reading = reading;
      reads.push(reading);
    }
    await Promise.all(reads);
  }

  async #read(batch: readonly Watched[]): Promise<void> {
    const askedAt = steadyMs();
    for (const watched of batch) {
      Object.assign(watched, { askedAt, isSure: true, dueAt: askedAt + healMs() });
    }
    try {
      const ids = batch.map(({ businessId }) => businessId);
      const openings = await this.#gate.run(() => this.#deps.ask(ids));
      for (const [index, watched] of batch.entries()) {
        const opening = openings[index];
        if (opening !== undefined) this.#take(watched, opening);
      }
    } catch (error) {
      for (const watched of batch) this.#doubt(watched);
      throw error;
    }
  }

  #take(watched: Watched, opening: BusinessOpening): void {
    const { presence: before, sessions } = watched;
    const { changes_in_ms } = opening;
    if (changes_in_ms !== undefined) this.#dueIn(watched, changes_in_ms);
    const presence = businessPresence(opening);
    watched.presence = presence;
    if (before === undefined) return;
    if (before.status === presence.status && before.opens_at === presence.opens_at) return;
    for (const session of sessions) this.#deps.tell(session, presence);
  }

  #doubt(watched: Watched): void {
    watched.isSure = false;
    this.#dueIn(watched, 0);
  }

  #dueIn(watched: Watched, ms: number): void {
    const at = Math.max(steadyMs() + ms, watched.askedAt + GAP_MS);
    watched.dueAt = Math.min(watched.dueAt, at);
  }

  #onMessage(watched: Watched, msg: Msg): void {
    try {
      const { kind } = parseJson(msg.data) as BusinessSignal;
      if (kind === 'availability' || kind === 'agents') this.#doubt(watched);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'signal of a business not understood');
    }
  }
}

/** Edges and businesses that began together spread their reads. */
function healMs(): number {
  return HEAL_MS * (0.8 + 0.2 * Math.random());
}
