import { KahaError } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import type { ReplyMux } from '../../shared/reply-mux.ts';
import { subjects } from '../../shared/subjects.ts';
import type { RouterMetrics } from './router-metrics.ts';

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
  /** How many offers each user has not answered. */
  readonly #open = new Map<UserId, number>();

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
    const open = this.#open.get(userId) ?? 0;
    // Behind one that is open nothing may go to the queue before it.
    if (!isCurrent() || (open === 0 && this.#open.size >= OPEN_MAX)) return undefined;
    const devices = devicesOf(userId);
    if (devices.length === 0) return undefined;
    this.#open.set(userId, open + 1);
    return new Promise((resolve) => {
      let waiting = devices.length;
      let taken = 0;
      let late = 0;
      for (const deviceId of devices) {
        void this.#ask(subjects.device(userId, deviceId), payload).then((outcome) => {
          this.#deps.metrics.offers.inc({ outcome });
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
    const open = this.#open.get(userId) ?? 0;
    if (open > 1) this.#open.set(userId, open - 1);
    else this.#open.delete(userId);
  }

  async #ask(subject: string, payload: Uint8Array): Promise<Outcome> {
    try {
      const answer = await this.#deps.mux.ask({ subject, payload, timeoutMs: TIMEOUT_MS });
      return answer.data[0] === TAKEN ? 'taken' : 'queue';
    } catch (error) {
      return KahaError.from(error).noResponders ? 'free' : 'late';
    }
  }
}
