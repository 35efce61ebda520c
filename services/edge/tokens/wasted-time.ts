/** Wrong signatures may take so large a part of the edge's time. */
const PART_MAX = 0.5;
/** A burst of wrong signatures may take the whole of this time before the part is kept. */
const WINDOW_MS = 1_000;

/**
 * Bounds the time that the edge spends on signatures that turn out to be wrong. Right ones cost
 * nothing here. Where the process stood still while it judged a signature, that time counts too,
 * but spends no more than a further window.
 */
export class WastedTime {
  /** The edge has made up for all wrong signatures at this time. */
  #evenAt = Number.NEGATIVE_INFINITY;

  isSpent(nowMs: number): boolean {
    return this.#evenAt - nowMs >= WINDOW_MS;
  }

  add(wastedMs: number, nowMs: number): void {
    const evenAt = Math.max(this.#evenAt, nowMs) + wastedMs / PART_MAX;
    this.#evenAt = Math.min(evenAt, nowMs + 2 * WINDOW_MS);
  }
}
