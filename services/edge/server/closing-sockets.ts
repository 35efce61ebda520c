/**
 * The library gives a socket that was closed with a code up to 16 s, and up to 4 s more by its
 * clock, to take the bytes that wait and to answer. The file stays open meanwhile.
 */
const CLOSING_MS = 20_000;
/** Listing 19 000 open files takes 19 ms of a core, so it is done seldom. */
const MEASURE_MS = 5_000;

/**
 * Estimates how many closed sockets are still open files. The library does not tell when such a
 * file is closed, so the estimate counts each for 20 to 40 s, which is often far too long. A
 * measurement corrects it where it matters. Times are in steady ms.
 */
export class ClosingSockets {
  #recent = 0;
  #before = 0;
  #turnAt = -Infinity;
  #measuredAt = -Infinity;

  add(nowMs: number): void {
    this.#turn(nowMs);
    this.#recent += 1;
  }

  count(nowMs: number): number {
    this.#turn(nowMs);
    return this.#recent + this.#before;
  }

  /** Measures, every 5 s at most, and takes the result in place of a higher estimate. */
  correct(nowMs: number, measure: () => number): void {
    if (nowMs - this.#measuredAt < MEASURE_MS) return;
    this.#measuredAt = nowMs;
    const count = Math.max(0, measure());
    if (count >= this.count(nowMs)) return;
    this.#recent = count;
    this.#before = 0;
  }

  #turn(nowMs: number): void {
    const passedMs = nowMs - this.#turnAt;
    if (passedMs < CLOSING_MS) return;
    this.#before = passedMs < 2 * CLOSING_MS ? this.#recent : 0;
    this.#recent = 0;
    this.#turnAt = nowMs;
  }
}
