import { queueName } from '../../../shared/contracts/subjects.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Device } from './known-queues.ts';

/** A queue that is deleted to be made anew is back well before this time is over. */
const TELL_AFTER_MS = 1_500;
const TICK_MS = 250;
/**
 * At most this many lost queues are watched. The devices of further ones are told by their edges,
 * which check their queues every minute.
 */
const LOST_MAX = 50_000;

type Lost = { device: Device; dueAt: number };
type Deps = { isBack: (device: Device) => boolean; tell: (device: Device) => void };

/**
 * Tells sessions whose queue is gone, once, and unless the queue is back by then. Only an edge
 * knows whether there is a session. An edge that does not hear of it finds the loss when it checks
 * its queues.
 */
export class LostQueues {
  readonly #deps: Deps;
  /** The queues stand in the order in which they were lost. */
  readonly #lost = new Map<string, Lost>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(steadyMs()), TICK_MS);
  }

  add(device: Device): void {
    if (this.#lost.size >= LOST_MAX) return;
    const name = queueName(device.userId, device.deviceId);
    this.#lost.delete(name);
    this.#lost.set(name, { device, dueAt: steadyMs() + TELL_AFTER_MS });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(nowMs: number): void {
    const { isBack, tell } = this.#deps;
    for (const [name, { device, dueAt }] of this.#lost) {
      if (dueAt > nowMs) return;
      this.#lost.delete(name);
      if (!isBack(device)) tell(device);
    }
  }
}
