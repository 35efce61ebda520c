import { firstFor } from './rendezvous.ts';

/** Routers say so every second; after this silence one counts as dead. */
const DEAD_AFTER_MS = 3_500;
/** More than any deployment has; beyond, a new one is not learnt. */
const ROUTERS_MAX = 1_024;

/** Which routers live, and which of them serves a key first. Time is passed in. */
export class RouterTable {
  readonly #heardAt = new Map<string, number>();
  #instances: string[] = [];

  get instances(): readonly string[] {
    return this.#instances;
  }

  heard(instance: string, nowMs: number): void {
    const isNew = !this.#heardAt.has(instance);
    if (isNew && this.#heardAt.size >= ROUTERS_MAX) return;
    this.#heardAt.set(instance, nowMs);
    if (isNew) this.#list();
  }

  /** It said goodbye, or nobody answers there; a later heartbeat brings it back. */
  remove(instance: string): void {
    if (this.#heardAt.delete(instance)) this.#list();
  }

  expire(nowMs: number): void {
    for (const [instance, heardAt] of this.#heardAt) {
      if (nowMs - heardAt > DEAD_AFTER_MS) this.remove(instance);
    }
  }

  first(key: string): string | undefined {
    return firstFor(key, this.#instances);
  }

  #list(): void {
    this.#instances = [...this.#heardAt.keys()].sort();
  }
}
