import { KahaError } from '../errors.ts';

type GateLimits = {
  concurrencyMax: number;
  waitingMax: number;
  /** A refusal tells this pause. The default is the pause in the table of errors. */
  retryAfterS?: number;
};

/**
 * A gate runs at most `concurrencyMax` tasks at a time and lets at most `waitingMax` tasks wait,
 * first come first served. It refuses each further task at once with MESSAGING_UNAVAILABLE.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The gate is full if no further task may wait. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#limits.waitingMax;
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#inside < this.#limits.concurrencyMax) this.#inside += 1;
    else await this.#wait();
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  #wait(): Promise<void> {
    if (!this.isFull) return new Promise((resolve) => this.#waiting.push(resolve));
    const { retryAfterS } = this.#limits;
    const options = retryAfterS === undefined ? {} : { retryAfterS };
    return Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Too many are waiting', options));
  }

  /** A task that ends hands its place to the longest waiting one, so no newcomer overtakes. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}
