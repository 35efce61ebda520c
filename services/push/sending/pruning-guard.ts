/** Registrations of one host may go until at least this many went, and more than this part. */
const GONE_MIN = 20;
const PART_MAX = 0.05;
const SECONDS = 60;

/**
 * The guard stops mass pruning. A provider that is confused, or a setting of ours that is wrong,
 * says of all devices at once that they are gone. So registrations stay while at least 20 went
 * within the last minute and they were more than 5 % of what was answered.
 */
export class PruningGuard {
  /** A place holds what happened in one second, and is used again after a minute. */
  readonly #seconds = new Int32Array(SECONDS).fill(-1);
  readonly #answered = new Int32Array(SECONDS);
  readonly #gone = new Int32Array(SECONDS);

  /** Notes an answer that a registration is there. */
  noteThere(nowMs: number): void {
    this.#answered[this.#placeOf(nowMs)] = (this.#answered[this.#placeOf(nowMs)] ?? 0) + 1;
  }

  /** Notes an answer that a registration is gone, and tells whether it may be deleted. */
  mayPrune(nowMs: number): boolean {
    const place = this.#placeOf(nowMs);
    const [answered, gone] = this.#lastMinute(nowMs);
    this.#answered[place] = (this.#answered[place] ?? 0) + 1;
    if (gone >= GONE_MIN && gone > PART_MAX * answered) return false;
    this.#gone[place] = (this.#gone[place] ?? 0) + 1;
    return true;
  }

  #placeOf(nowMs: number): number {
    const second = Math.floor(nowMs / 1_000);
    const place = second % SECONDS;
    if (this.#seconds[place] !== second) {
      this.#seconds[place] = second;
      this.#answered[place] = 0;
      this.#gone[place] = 0;
    }
    return place;
  }

  #lastMinute(nowMs: number): [answered: number, gone: number] {
    const oldest = Math.floor(nowMs / 1_000) - SECONDS;
    let [answered, gone] = [0, 0];
    for (let place = 0; place < SECONDS; place += 1) {
      if ((this.#seconds[place] ?? -1) <= oldest) continue;
      answered += this.#answered[place] ?? 0;
      gone += this.#gone[place] ?? 0;
    }
    return [answered, gone];
  }
}
