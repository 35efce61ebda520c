type Bound = { sends: number; bytes: number };

/**
 * When so much is pending, a further send is refused with DATABASE_UNAVAILABLE: 20 full batches of
 * the group commit take longer than a deadline.
 */
export const PENDING_MAX: Bound = { sends: 10_000, bytes: 64 * 1024 * 1024 };

/** Counts the sends that wait or are being written, and says whether a further one has room. */
export class PendingSends {
  readonly #max: Bound;
  #sends = 0;
  #bytes = 0;

  constructor(max: Bound) {
    this.#max = max;
  }

  get size(): number {
    return this.#sends;
  }

  hasRoom(bytes: number): boolean {
    return this.#sends < this.#max.sends && this.#bytes + bytes <= this.#max.bytes;
  }

  add(bytes: number): void {
    this.#sends += 1;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#sends -= 1;
    this.#bytes -= bytes;
  }
}
