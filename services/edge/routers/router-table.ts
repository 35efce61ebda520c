import { firstFor } from './rendezvous.ts';

/** A router sends a heartbeat every second, and counts as dead after this silence. */
const DEAD_AFTER_MS = 3_500;
/**
 * The table holds this many routers, more than any deployment has. Beyond, a new one is not learnt.
 */
const ROUTERS_MAX = 1_024;

/** Knows which routers live, and which of them serves a key first. Time is passed in. */
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

  /**
   * Removes a router that said goodbye, or where nobody answers. A later heartbeat brings it back.
   */
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
