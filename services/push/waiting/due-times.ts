/** Times are kept to this precision, and never come early. */
const SLOT_MS = 50;

/**
 * Keeps one time for each key. Setting a time costs the same for any number of keys, and taking
 * those whose time has come costs no more than there are.
 */
export class DueTimes<Key> {
  readonly #slots = new Map<number, Set<Key>>();
  readonly #slotOf = new Map<Key, number>();
  #taken = Number.NaN;

  get size(): number {
    return this.#slotOf.size;
  }

  /** The key is due at this time, and no longer at an earlier or later one. */
  set(key: Key, atMs: number): void {
    const slot = Math.ceil(atMs / SLOT_MS);
    const known = this.#slotOf.get(key);
    if (known === slot) return;
    this.delete(key);
    this.#slotOf.set(key, slot);
    const keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, new Set([key]));
    else keys.add(key);
    // A time that has passed already is taken next.
    if (slot < this.#taken) this.#taken = slot;
  }

  delete(key: Key): void {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return;
    this.#slotOf.delete(key);
    const keys = this.#slots.get(slot);
    keys?.delete(key);
    if (keys?.size === 0) this.#slots.delete(slot);
  }

  /** Removes the keys that are due, and returns them in the order of their times. */
  take(nowMs: number): Key[] {
    const last = Math.floor(nowMs / SLOT_MS);
    const keys: Key[] = [];
    for (const slot of this.#passed(last)) {
      for (const key of this.#slots.get(slot) ?? []) {
        this.#slotOf.delete(key);
        keys.push(key);
      }
      this.#slots.delete(slot);
    }
    this.#taken = last + 1;
    return keys;
  }

  /** After a long pause, there may be fewer slots in use than have passed. */
  #passed(last: number): number[] {
    const first = this.#taken;
    if (last - first < this.#slots.size) {
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    }
    return [...this.#slots.keys()].filter((slot) => slot <= last).sort((a, b) => a - b);
  }
}
