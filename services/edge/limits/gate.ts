import { KahaError } from '../../../shared/errors.ts';

/** At most `concurrencyMax` at a time, at most `waitingMax` waiting; beyond, refused at once. */
export class Gate {
  readonly #concurrencyMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { concurrencyMax: number; waitingMax: number }) {
    this.#concurrencyMax = limits.concurrencyMax;
    this.#waitingMax = limits.waitingMax;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#waitingMax;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#concurrencyMax) this.#running += 1;
    else await this.#wait();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed over: the count stays.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #wait(): Promise<void> {
    if (this.isFull) {
      return Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Too many are waiting'));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
