import type { Budget } from '../../../shared/concurrency/budget.ts';

/** Counts the bytes of one body among those of all, as they come and until the answer. */
export class HeldBody {
  readonly #all: Budget;
  #bytes = 0;

  constructor(all: Budget) {
    this.#all = all;
    all.add(0);
  }

  /** Returns false where all bodies together have no room for so many bytes more. */
  grow(bytes: number): boolean {
    if (!this.#all.hasRoom(bytes)) return false;
    this.#all.remove(this.#bytes);
    this.#bytes += bytes;
    this.#all.add(this.#bytes);
    return true;
  }

  release(): void {
    this.#all.remove(this.#bytes);
  }
}
