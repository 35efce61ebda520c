/** At most this many things of this many bytes together are held. */
export type Bound = { count: number; bytes: number };

/** Something smaller than this has a quarter more room, so nothing large crowds it out. */
const SMALL_BYTES = 4 * 1024;
const RESERVE = 1 / 4;

/** Returns how many bytes may be held together with something of this size. */
export function roomFor(bytes: number, bytesMax: number): number {
  return bytes < SMALL_BYTES ? bytesMax * (1 + RESERVE) : bytesMax;
}

/**
 * Counts what is held, and the bytes of it, against a bound in both. It refuses and drops nothing
 * by itself: a caller asks `hasRoom` first, and decides what becomes of something without room.
 * The first thing always has room, because something larger than the bound would never have it.
 */
export class Budget {
  readonly #max: Bound;
  #count = 0;
  #bytes = 0;

  constructor(max: Bound) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Tells whether something of this size may be held beside what is held now. */
  hasRoom(bytes: number): boolean {
    if (this.#count === 0) return true;
    const { count, bytes: bytesMax } = this.#max;
    return this.#count < count && this.#bytes + bytes <= roomFor(bytes, bytesMax);
  }

  add(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#count -= 1;
    this.#bytes -= bytes;
  }
}
