/** A device that was found away is not offered anything for this long. */
const AWAY_MS = 60_000;
/**
 * A device whose session is being opened may not listen yet, and an edge may come back to NATS
 * later than a router. So nobody counts as away for this long.
 */
const ARRIVING_MS = 2_000;
const RETURNING_MS = 10_000;
/** At most this many devices are remembered, ~150 bytes each. Others are offered each event. */
const DEVICES_MAX = 262_144;

/**
 * Remembers by name which devices were not there for an offer. Their events go to their queues
 * without another question, until a router says that an edge holds the device, or 60 s pass. A
 * wrong belief costs a way through the queue, because a session gets from its queue what it is not
 * offered.
 */
export class AwayDevices {
  /** Both maps have the end of each belief, by `steadyMs`, the earliest end first. */
  readonly #away = new Map<string, number>();
  readonly #arriving = new Map<string, number>();
  #returningUntilMs = 0;

  get size(): number {
    return this.#away.size;
  }

  isAway(name: string, nowMs: number): boolean {
    const untilMs = this.#away.get(name);
    return untilMs !== undefined && nowMs < untilMs;
  }

  /** Nobody was there for an offer to the device. */
  notFound(name: string, nowMs: number): void {
    const isArriving = nowMs < Math.max(this.#returningUntilMs, this.#arriving.get(name) ?? 0);
    if (isArriving || this.#away.size >= DEVICES_MAX) return;
    this.#away.delete(name);
    this.#away.set(name, nowMs + AWAY_MS);
  }

  /** An edge holds the device, or is about to. */
  arrives(name: string, nowMs: number): void {
    this.#away.delete(name);
    this.#arriving.delete(name);
    if (this.#arriving.size < DEVICES_MAX) this.#arriving.set(name, nowMs + ARRIVING_MS);
  }

  /** The router has its connection again, and missed who opened sessions meanwhile. */
  reconnected(nowMs: number): void {
    this.#away.clear();
    this.#returningUntilMs = nowMs + RETURNING_MS;
  }

  /** Drops the beliefs that have ended. */
  sweep(nowMs: number): void {
    for (const beliefs of [this.#away, this.#arriving]) {
      for (const [name, untilMs] of beliefs) {
        if (untilMs > nowMs) break;
        beliefs.delete(name);
      }
    }
  }
}
