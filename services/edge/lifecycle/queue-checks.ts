import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { RouterClient } from '../routers/router-client.ts';
import type { Hub } from '../session/hub.ts';
import { publishReplaced } from '../session/replaced-signal.ts';
import type { Session } from '../session/session.ts';
import type { VoidQueues } from './void-queues.ts';

type Deps = {
  bus: Pick<Bus, 'connected' | 'publish'>;
  routers: Pick<RouterClient, 'ask'>;
  hub: Pick<Hub, 'sessions'>;
  voids: Pick<VoidQueues, 'add'>;
  metrics: Pick<EdgeMetrics, 'queueChecks'>;
};

/** The edge asks about the queue that the session had at this epoch. */
type Asked = { session: Session; userId: UserId; epoch: number };

const DEVICES_PER_CHECK = 500;
const PASS_MS = 60_000;
/** After a reconnect, a pass takes at most this long. */
const HURRIED_PASS_MS = 5_000;
/** A router that cannot say reads the names of the queues, which takes about a second. */
const AGAIN_MS = 1_000;

/**
 * Asks routers whether the queues exist on which the open sessions of this edge rely. A session
 * whose queue is gone hears nothing more, and whoever deleted the queue may not have reached this
 * edge. A pass over all sessions takes a minute, and within 5 s after a reconnect to NATS. Queues
 * that no router knows are void.
 *
 *     next ≤ 500 open sessions → queues.check ──unknown──► `VoidQueues`: resync
 *         ▲                        └─cannot say, or no answer─► these again, ~1 s later
 *
 * One check is on its way at a time, and any router may answer it. A router of the version before
 * refuses the question; the next pass asks again.
 *
 * The pass after a reconnect also tells the other edges of each session. While this edge was away,
 * a device may have opened a session elsewhere. Its older session here would refuse what routers
 * offer to the newer one, and ends once the other edge answers.
 */
export class QueueChecks {
  readonly #deps: Deps;
  #rest: Iterator<Session>;
  #isHurried = false;
  /** The edge asks about these again, because no router could say. */
  #unanswered: Asked[] = [];
  /** Counts reconnects, so that a check that was under way then schedules nothing. */
  #connection = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#rest = deps.hub.sessions.values();
    this.#schedule(this.#gapMs());
  }

  /** Begins a hurried pass. */
  reconnected(): void {
    this.#connection += 1;
    this.#unanswered = [];
    this.#rest = this.#deps.hub.sessions.values();
    this.#isHurried = true;
    this.#schedule(this.#gapMs());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#turn();
    }, afterMs);
  }

  async #turn(): Promise<void> {
    const connection = this.#connection;
    const asked = this.#unanswered.length > 0 ? this.#unanswered : this.#nextTold();
    this.#unanswered = [];
    const unanswered = asked.length === 0 ? [] : await this.#check(asked);
    if (connection !== this.#connection) return;
    this.#unanswered = unanswered;
    this.#schedule(unanswered.length > 0 ? AGAIN_MS * (0.5 + Math.random()) : this.#gapMs());
  }

  /** Returns the time until the next check: at random, so that edges do not ask at once. */
  #gapMs(): number {
    const checks = Math.max(1, Math.ceil(this.#deps.hub.sessions.size / DEVICES_PER_CHECK));
    if (this.#isHurried) return (HURRIED_PASS_MS / checks) * Math.random();
    return (PASS_MS / checks) * (0.5 + Math.random());
  }

  /** Takes the next open sessions, and tells the other edges of them in the pass that hurries. */
  #nextTold(): Asked[] {
    const isHurried = this.#isHurried;
    const asked = this.#next();
    if (isHurried) {
      for (const { session, userId } of asked) publishReplaced(this.#deps.bus, session, userId);
    }
    return asked;
  }

  /** Takes the next open sessions. A session that is being opened has its turn in a later pass. */
  #next(): Asked[] {
    const asked: Asked[] = [];
    while (asked.length < DEVICES_PER_CHECK) {
      const { done, value: session } = this.#rest.next();
      if (done) {
        this.#rest = this.#deps.hub.sessions.values();
        this.#isHurried = false;
        break;
      }
      const { userId, epoch } = session;
      if (userId !== undefined && reliesOnQueue(session)) asked.push({ session, userId, epoch });
    }
    return asked;
  }

  /** Returns those about whom no router could say anything. */
  async #check(asked: Asked[]): Promise<Asked[]> {
    const { bus, routers, voids, metrics } = this.#deps;
    if (!bus.connected) return asked;
    const devices = asked.map(({ session, userId }): [UserId, string] => [
      userId,
      session.deviceId,
    ]);
    try {
      const checked = await routers.ask('queues.check', { devices }, { key: newId<string>() });
      if (checked.cannot_say) {
        metrics.queueChecks.add('cannot say', asked.length);
        return asked;
      }
      const [unknown, unsaid] = [checked.unknown, checked.unsaid].map((indexes) =>
        indexes.flatMap((index) => asked[index] ?? []),
      ) as [Asked[], Asked[]];
      metrics.queueChecks.add('unknown', unknown.length);
      metrics.queueChecks.add('unsaid', unsaid.length);
      metrics.queueChecks.add('known', asked.length - unknown.length - unsaid.length);
      for (const { session, userId, epoch } of unknown) {
        if (reliesOnQueue(session) && session.epoch === epoch) voids.add(session, userId);
      }
      return unsaid;
    } catch (error) {
      const { isRetryable } = KahaError.from(error);
      metrics.queueChecks.add(isRetryable ? 'no answer' : 'refused', asked.length);
      return isRetryable ? asked : [];
    }
  }
}

/** Tells whether the session is open, and neither ends nor is being opened anew. */
function reliesOnQueue({ state, isReopening, stream }: Session): boolean {
  return state === 'open' && !isReopening && stream?.isOpen === true;
}
