import { readOfferAnswer } from '../../../shared/contracts/offer-answers.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { RouterMetrics } from '../router-metrics.ts';

type Outcome = 'taken' | 'takenInUse' | 'queue' | 'free' | 'late';

/** Hears, once for each user, which of the user's devices have taken the event. */
export type Answers = {
  answer(userId: UserId, taken: string[], isInUse: boolean): void;
};
type Offer = {
  userId: UserId;
  devices: readonly string[];
  payload: Uint8Array;
  answers: Answers;
};

type Deps = {
  /** Answers arrive on subjects below `answers.<instance>`; edges may publish to these. */
  mux: ReplyMux;
  /** Returns the user's devices that have a queue. */
  devicesOf: (userId: UserId) => readonly string[];
  /** Tells whether `devicesOf` knows all devices that have a queue. */
  isCurrent: () => boolean;
  /** Tells the user's live devices to look into their queues. */
  signalQueued: (userId: UserId) => void;
  metrics: RouterMetrics;
};

/** An offer waits this long for answers. An edge waits for its client half as long. */
const TIMEOUT_MS = 2_000;
/**
 * At most this many users have open offers. Events of further users go to their queues without an
 * offer.
 */
const OPEN_MAX = 8_192;

/**
 * Offers events to the devices that are there, before their queues see them. A user has an event
 * once the clients of all devices that have a queue have acknowledged it. As soon as one device
 * cannot take it, the event goes to the queues of all the user's devices.
 */
export class Offers {
  readonly #deps: Deps;
  /**
   * This map counts, for each user, the offers that not all devices have answered. `settled`
   * resolves once each open offer is either taken or refused.
   */
  readonly #open = new Map<UserId, { count: number; settled: Promise<unknown> }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Counts the users whose devices have not all answered. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Resolves to whether all devices have taken the event. The result is undefined if the event has
   * to go to the queues at once. Never rejects. `answers` hears once all devices have answered or
   * 2 s have passed, which may be at once, or later than the result.
   */
  offer(userId: UserId, payload: Uint8Array, answers: Answers): Promise<boolean> | undefined {
    const { devicesOf, isCurrent, signalQueued } = this.#deps;
    const open = this.#open.get(userId);
    const hasRoom = open !== undefined || this.#open.size < OPEN_MAX;
    const devices = hasRoom && isCurrent() ? devicesOf(userId) : [];
    if (devices.length === 0) {
      answers.answer(userId, [], false);
      if (open !== undefined) signalQueued(userId);
      return open?.settled.then(() => false);
    }
    const answered = this.#ask({ userId, devices, payload, answers });
    const settled = open === undefined ? answered : answered.then(() => open.settled);
    this.#open.set(userId, { count: (open?.count ?? 0) + 1, settled });
    if (open === undefined) return answered;
    // An event may not enter a queue before the user's older offers have settled.
    return answered.then((isTaken) => isTaken || open.settled.then(() => false));
  }

  /** Resolves to true once all devices have taken the event, or to false at the first refusal. */
  #ask({ userId, devices, payload, answers }: Offer): Promise<boolean> {
    const { metrics, signalQueued } = this.#deps;
    return new Promise((resolve) => {
      let waiting = devices.length;
      let late = 0;
      let isInUse = false;
      const taken: string[] = [];
      for (const deviceId of devices) {
        void this.#askOne(subjects.device(userId, deviceId), payload).then((outcome) => {
          metrics.offers.inc(LABELS[outcome]);
          waiting -= 1;
          if (outcome === 'takenInUse') isInUse = true;
          if (outcome === 'taken' || outcome === 'takenInUse') taken.push(deviceId);
          else resolve(false);
          if (outcome === 'late') late += 1;
          if (waiting > 0) return;
          this.#close(userId);
          if (taken.length === devices.length) resolve(true);
          // The event goes to the queues of these devices too, and they may not be looking there.
          else if (taken.length + late > 0) signalQueued(userId);
          answers.answer(userId, taken, isInUse);
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
      return readOfferAnswer(answer.data);
    } catch (error) {
      return KahaError.from(error).noResponders ? 'free' : 'late';
    }
  }
}

/** An event that was taken in use counts as taken. */
const LABELS: Record<Outcome, { outcome: string }> = {
  taken: { outcome: 'taken' },
  takenInUse: { outcome: 'taken' },
  queue: { outcome: 'queue' },
  free: { outcome: 'free' },
  late: { outcome: 'late' },
};
