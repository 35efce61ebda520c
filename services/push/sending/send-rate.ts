type Terms = { perSecondMax: number };

/** Places that nobody used within this time may be used at once. */
const BURST_MS = 250;
const PER_SECOND_MIN = 1;
/** All answers to one burst are one wish to slow down. */
const ONE_WISH_MS = 1_000;
/** The rate rises from half to whole within ten seconds. */
const RISE_A_SECOND = 0.05;

/**
 * A rate spaces the tries of one host. It halves when the host wants less, at most once a second,
 * and then rises again slowly. It keeps the order in which it is asked.
 */
export class SendRate {
  readonly #perSecondMax: number;
  #perSecond: number;
  #nextAtMs = Number.NEGATIVE_INFINITY;
  #slowedAtMs = Number.NEGATIVE_INFINITY;
  #roseAtMs = 0;

  constructor({ perSecondMax }: Terms) {
    this.#perSecondMax = perSecondMax;
    this.#perSecond = perSecondMax;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** Takes the next place in the rate, and returns how long to wait for it. */
  take(nowMs: number): number {
    this.#rise(nowMs);
    const atMs = Math.max(this.#nextAtMs, nowMs - BURST_MS);
    this.#nextAtMs = atMs + 1_000 / this.#perSecond;
    return Math.max(0, atMs - nowMs);
  }

  slowDown(nowMs: number): void {
    if (nowMs - this.#slowedAtMs < ONE_WISH_MS) return;
    this.#rise(nowMs);
    this.#slowedAtMs = nowMs;
    this.#perSecond = Math.max(PER_SECOND_MIN, this.#perSecond / 2);
  }

  #rise(nowMs: number): void {
    const rise = this.#perSecondMax * RISE_A_SECOND * ((nowMs - this.#roseAtMs) / 1_000);
    this.#perSecond = Math.min(this.#perSecondMax, this.#perSecond + rise);
    this.#roseAtMs = nowMs;
  }
}
