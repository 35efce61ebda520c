import type { Device } from './known-queues.ts';

/** A connection to NATS is back within half a second, and a queue is made anew within two. */
const REPEAT_AFTER_MS = [3_000, 10_000];
/** At most this many repeats wait. Beyond it, devices are told only once. */
const WAITING_MAX = 20_000;

type Deps = {
  publish: (device: Device) => void;
  /**
   * Tells whether the device has a queue again, or is getting one. Another signal would make such a
   * device start anew once more.
   */
  isKnown: (device: Device) => boolean;
};

/**
 * Tells devices that their queues are void, and tells them again while they have no queue. After
 * NATS was away, a router may be back before the edge, and a device that missed the signal would
 * hear no event any more.
 */
export class ResyncSignals {
  readonly #deps: Deps;
  readonly #waiting = new Set<NodeJS.Timeout>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  tell(device: Device): void {
    this.#deps.publish(device);
    for (const afterMs of REPEAT_AFTER_MS) this.#repeat(device, afterMs);
  }

  close(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }

  #repeat(device: Device, afterMs: number): void {
    if (this.#waiting.size >= WAITING_MAX) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      if (!this.#deps.isKnown(device)) this.#deps.publish(device);
    }, afterMs);
    this.#waiting.add(timer);
  }
}
