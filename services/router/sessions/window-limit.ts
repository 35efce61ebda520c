import { LRUCache } from 'lru-cache';

type Limits = {
  /** A key is admitted at most this many times within any window. */
  max: number;
  windowMs: number;
  /** The limit remembers this many keys, each with `max` times at most. */
  keysMax: number;
};

/**
 * Admits each key at most `max` times in any window. What it refuses does not count, so a key that
 * goes on trying is admitted again as soon as its oldest time is out of the window. A key that is
 * forgotten early, because many others came, may do more, which does no harm.
 */
export class WindowLimit {
  readonly #limits: Limits;
  readonly #admittedAt: LRUCache<string, number[]>;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#admittedAt = new LRUCache({ max: limits.keysMax });
  }

  /** Counts one more, and returns false if it is one too many. The clock of `nowMs` never jumps. */
  admit(key: string, nowMs: number): boolean {
    const { max, windowMs } = this.#limits;
    const times = this.#admittedAt.get(key) ?? [];
    while (times[0] !== undefined && times[0] <= nowMs - windowMs) times.shift();
    if (times.length >= max) return false;
    times.push(nowMs);
    this.#admittedAt.set(key, times);
    return true;
  }
}
