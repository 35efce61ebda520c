type Limits = {
  /** The first item of a batch waits this long for others. */
  waitMs: number;
  /** A batch that has this many items does not wait. */
  batchMax?: number;
  /** At most this many items may be gathered or on their way. */
  heldMax: number;
};

type Batch<Key, Item> = {
  items: Map<Key, Item>;
  timer: NodeJS.Timeout;
  begin: () => void;
  done: Promise<void>;
};

/**
 * A gatherer collects items by key and writes them together. It refuses and drops nothing by
 * itself: a caller asks `hasRoomFor` first, and decides what becomes of an item without room.
 */
export class Gatherer<Key, Item> {
  readonly #limits: Limits;
  readonly #write: (items: Item[]) => Promise<void>;
  readonly #writing = new Set<Promise<void>>();
  #batch: Batch<Key, Item> | undefined;
  #held = 0;

  constructor(limits: Limits, write: (items: Item[]) => Promise<void>) {
    this.#limits = limits;
    this.#write = write;
  }

  /** This is how many items are gathered or on their way. */
  get held(): number {
    return this.#held;
  }

  hasRoomFor(count: number): boolean {
    return this.#held + count <= this.#limits.heldMax;
  }

  /** Returns the item that is gathered under this key. An item on its way is gathered no more. */
  get(key: Key): Item | undefined {
    return this.#batch?.items.get(key);
  }

  /**
   * Gathers the item, instead of the one that is gathered under this key. The promise is the same
   * for the whole batch, and settles as the write of the batch does.
   */
  put(key: Key, item: Item): Promise<void> {
    this.#batch ??= this.#open();
    const { items, done } = this.#batch;
    if (!items.has(key)) this.#held += 1;
    items.set(key, item);
    if (items.size === this.#limits.batchMax) this.flush();
    return done;
  }

  /** Begins to write what is gathered. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    clearTimeout(batch.timer);
    batch.begin();
  }

  /** Writes what is gathered, and resolves when no write is under way. */
  async close(): Promise<void> {
    this.flush();
    await Promise.allSettled(this.#writing);
  }

  #open(): Batch<Key, Item> {
    const items = new Map<Key, Item>();
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const timer = setTimeout(() => this.flush(), this.#limits.waitMs);
    const done = begun.then(() => this.#write([...items.values()]));
    this.#writing.add(done);
    const settled = (): void => {
      this.#writing.delete(done);
      this.#held -= items.size;
    };
    done.then(settled, settled);
    return { items, timer, begin, done };
  }
}
