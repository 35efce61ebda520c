import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { RouterMetrics } from '../router-metrics.ts';

type Outcome = 'taken' | 'queue' | 'free' | 'late';

type Deps = {
  /** Replies come below `answers.<instance>`, which edges may publish to. */
  mux: ReplyMux;
  /** Those that have a queue. */
  devicesOf: (userId: UserId) => readonly string[];
  /** Whether `devicesOf` knows all of them. */
  isCurrent: () => boolean;
  /** Has the user's live devices look into their queues. */
  signalQueued: (userId: UserId) => void;
  metrics: RouterMetrics;
};

/** An edge waits for its client half as long. */
const TIMEOUT_MS = 2_000;
/** Users who are being offered something; beyond, events of others go to the queues right away. */
const OPEN_MAX = 8_192;
const TAKEN = 0x2b;

/**
 * Offers events to the devices that are there, before their queues see them. A user's event is
 * done when the clients of all devices that have a queue have acknowledged it; as soon as one of
 * them cannot take it, the queues get it, for all.
 */
export class Offers {
  readonly #deps: Deps;
  /** By user: offers that not all devices have answered; resolves when what was to come has. */
  readonly #open = new Map<UserId, { count: number; settled: Promise<unknown> }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Users whose devices have not all answered. */
  get open(): number {
    return this.#open.size;
  }

  /** Whether all have taken it; undefined where the queues are to have it. Never rejects. */
  offer(userId: UserId, payload: Uint8Array): Promise<boolean> | undefined {
    const { devicesOf, isCurrent, signalQueued } = this.#deps;
    const open = this.#open.get(userId);
    if (open === undefined && this.#open.size >= OPEN_MAX) return undefined;
    const devices = isCurrent() ? devicesOf(userId) : [];
    if (devices.length === 0) {
      if (open !== undefined) signalQueued(userId);
      return open?.settled.then(() => false);
    }
    const answered = this.#ask(userId, devices, payload);
    const settled = open === undefined ? answered : answered.then(() => open.settled);
    this.#open.set(userId, { count: (open?.count ?? 0) + 1, settled });
    if (open === undefined) return answered;
    // Nothing may go to the queue before what is older.
    return answered.then((isTaken) => isTaken || open.settled.then(() => false));
  }

  /** True when all have taken it, false as soon as one has not. */
  #ask(userId: UserId, devices: readonly string[], payload: Uint8Array): Promise<boolean> {
    const { metrics, signalQueued } = this.#deps;
    return new Promise((resolve) => {
      let waiting = devices.length;
      let taken = 0;
      let late = 0;
      for (const deviceId of devices) {
        void this.#askOne(subjects.device(userId, deviceId), payload).then((outcome) => {
          metrics.offers.inc({ outcome });
          waiting -= 1;
          if (outcome === 'taken') taken += 1;
          else resolve(false);
          if (outcome === 'late') late += 1;
          if (waiting > 0) return;
          this.#close(userId);
          if (taken === devices.length) resolve(true);
          // The queues of these have it too, and nobody may be taking from them.
          else if (taken + late > 0) signalQueued(userId);
        });
      }
    });
  }

  #close(userId: UserId): void {
    const open = this.#open.get(userId);
    if (open === undefined) return;
    open.count -= 1;
    if (open.count === 0) this.#open.delete(userId);
  }

  async #askOne(subject: string, payload: Uint8Array): Promise<Outcome> {
    try {
      const answer = await this.#deps.mux.ask({ subject, payload, timeoutMs: TIMEOUT_MS });
      return answer.data[0] === TAKEN ? 'taken' : 'queue';
    } catch (error) {
      return KahaError.from(error).noResponders ? 'free' : 'late';
    }
  }
}
