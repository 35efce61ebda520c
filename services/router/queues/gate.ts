import { KahaError } from '../../../shared/errors.ts';

type Limits = { concurrencyMax: number; waitingMax: number };

/**
 * Lets few in at a time and a bounded number wait, first come first served; beyond that
 * MESSAGING_UNAVAILABLE, to be tried again.
 */
export class Gate {
  readonly #limits: Limits;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    await this.#enter();
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#inside < this.#limits.concurrencyMax) {
      this.#inside += 1;
      return;
    }
    if (this.#waiting.length >= this.#limits.waitingMax) {
      throw new KahaError('MESSAGING_UNAVAILABLE', 'Too many at once', { retryAfterS: 2 });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place over, so that a newcomer cannot overtake. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}

/** Runs `task` for each item, at most `concurrencyMax` at a time. */
export async function forEachBounded<Item>(
  items: Iterable<Item>,
  concurrencyMax: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let step = iterator.next(); !step.done; step = iterator.next()) await task(step.value);
  };
  await Promise.all(Array.from({ length: concurrencyMax }, work));
}
