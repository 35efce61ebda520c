/** A value that an application watches. Each change is a new value, so `===` tells a change. */
export type Observable<Value> = {
  readonly value: Value;
  /** Calls back after each change. Returns a function that ends that. */
  subscribe(onChange: () => void): () => void;
};

/** The client changes its observables by `set`. */
export class Subject<Value> implements Observable<Value> {
  value: Value;
  readonly #watchers = new Set<{ onChange: () => void }>();

  constructor(value: Value) {
    this.value = value;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  set(value: Value): void {
    if (value === this.value) return;
    this.value = value;
    for (const { onChange } of [...this.#watchers]) onChange();
  }

  subscribe(onChange: () => void): () => void {
    const watcher = { onChange };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}
