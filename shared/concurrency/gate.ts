import { KahaError } from '../errors.ts';

type GateLimits = {
  concurrencyMax: number;
  waitingMax: number;
  /** A refusal tells this pause. The default is the pause in the table of errors. */
  retryAfterS?: number;
};

type Waiting = { resolve: () => void; reject: (error: KahaError) => void };

/**
 * A gate runs at most `concurrencyMax` tasks at a time and lets at most `waitingMax` tasks wait,
 * first come first served. It refuses each further task at once with MESSAGING_UNAVAILABLE, and
 * refuses a waiting task in the same way once its `owner` leaves.
 */
export class Gate {
  readonly #limits: GateLimits;
  /** These tasks wait, in their order, by their owners. */
  readonly #waiting = new Map<object, Waiting>();
  #inside = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** The gate is full if no further task may wait. */
  get isFull(): boolean {
    return this.#waiting.size >= this.#limits.waitingMax;
  }

  /** An owner has at most one task that waits. */
  async run<Result>(task: () => Promise<Result>, owner: object = {}): Promise<Result> {
    if (this.#inside < this.#limits.concurrencyMax) this.#inside += 1;
    else await this.#wait(owner);
    try {
      return await task();
    } finally {
      this.#handOn();
    }
  }

  /** The owner's task does not run if it waits still. A task that runs goes on. */
  leave(owner: object): void {
    const waiting = this.#waiting.get(owner);
    if (waiting === undefined) return;
    this.#waiting.delete(owner);
    waiting.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Nobody waits any more'));
  }

  #wait(owner: object): Promise<void> {
    if (!this.isFull) {
      return new Promise((resolve, reject) => this.#waiting.set(owner, { resolve, reject }));
    }
    const { retryAfterS } = this.#limits;
    const options = retryAfterS === undefined ? {} : { retryAfterS };
    return Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Too many are waiting', options));
  }

  /** A task that ends hands its place to the longest waiting one, so no newcomer overtakes. */
  #handOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside -= 1;
      return;
    }
    const [owner, { resolve }] = next;
    this.#waiting.delete(owner);
    resolve();
  }
}
