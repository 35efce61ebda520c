import type { UserId } from '../../../shared/ids.ts';
import type { Session } from '../session/session.ts';
import type { QueueOpening } from './queue-opening.ts';

type Deps = { queues: Pick<QueueOpening, 'replaceVoid'> };

const TICK_MS = 100;
/** This makes 200 a second. */
const PER_TICK = 20;

/**
 * Replaces queues that are void: the client is told, and gets a new queue. At most 200 sessions a
 * second have their turn, because each deletes and makes a queue and replays messages, and NATS can
 * lose the queues of all sessions at once. All sessions of the edge may wait, each at most once.
 */
export class VoidQueues {
  readonly #deps: Deps;
  /** The sessions that wait, with the epoch of the queue that is void. */
  readonly #waiting = new Map<Session, { userId: UserId; epoch: number }>();
  #placesLeft = PER_TICK;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** A session whose queue is being opened looks at the end of it whether it was told meanwhile. */
  add(session: Session, userId: UserId): void {
    if (session.state !== 'open' || session.isReopening) {
      session.isVoidTold = true;
      return;
    }
    this.#waiting.set(session, { userId, epoch: session.epoch });
    this.#replaceSome();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  #tick(): void {
    this.#placesLeft = PER_TICK;
    this.#replaceSome();
    if (this.#placesLeft < PER_TICK) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #replaceSome(): void {
    for (const [session, { userId, epoch }] of this.#waiting) {
      if (this.#placesLeft === 0) return;
      this.#waiting.delete(session);
      // The session may have ended, or its client has asked for a new queue itself.
      if (session.state !== 'open' || session.epoch !== epoch) continue;
      this.#placesLeft -= 1;
      void this.#deps.queues.replaceVoid(session, userId);
    }
  }
}
