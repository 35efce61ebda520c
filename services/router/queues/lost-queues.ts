import { queueName } from '../../../shared/contracts/subjects.ts';
import type { Device } from './known-queues.ts';

/**
 * A lost queue's session is told after each of these times, as long as the queue is not back. A
 * queue that is deleted to be made anew is back well before the first. The session is told several
 * times, because its edge may just be reconnecting.
 */
const TELL_AFTER_MS = [1_500, 5_000, 20_000, 60_000];
const JITTER_SHARE = 0.5;
const TICK_MS = 250;
/**
 * At most this many lost queues are watched. More leave at once only by expiry, when their devices
 * are away.
 */
const LOST_MAX = 50_000;

type Lost = { device: Device; told: number; dueAt: number };
type Deps = { isBack: (device: Device) => boolean; tell: (device: Device) => void };

/**
 * Tells sessions whose queue is gone, because such a session hears no event. Only its edge knows
 * whether there is a session.
 */
export class LostQueues {
  readonly #deps: Deps;
  readonly #lost = new Map<string, Lost>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(Date.now()), TICK_MS);
  }

  add(device: Device): void {
    if (this.#lost.size >= LOST_MAX) return;
    const name = queueName(device.userId, device.deviceId);
    this.#lost.set(name, { device, told: 0, dueAt: dueAt(0, Date.now()) });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(now: number): void {
    const { isBack, tell } = this.#deps;
    for (const [name, lost] of this.#lost) {
      if (lost.dueAt > now) continue;
      lost.told += 1;
      lost.dueAt = dueAt(lost.told, now);
      const isOver = isBack(lost.device);
      if (!isOver) tell(lost.device);
      if (isOver || lost.told >= TELL_AFTER_MS.length) this.#lost.delete(name);
    }
  }
}

function dueAt(told: number, now: number): number {
  return now + (TELL_AFTER_MS[told] ?? 0) * (1 + Math.random() * JITTER_SHARE);
}
