import type { Hub } from '../session/hub.ts';
import type { Delivery } from './delivery.ts';

const TICK_MS = 250;
/** A pass takes one second, and looks at each session once. */
const TICKS_PER_PASS = 4;

/**
 * One timer for all sessions makes them live, or lets them look into their queues, when that is
 * due. See `DeviceStream.look`.
 */
export class DeliveryRounds {
  readonly #timer: NodeJS.Timeout;

  constructor(hub: Hub, delivery: Delivery) {
    let rest = hub.sessions.values();
    let dueMs = Date.now() + TICK_MS;
    this.#timer = setInterval(() => {
      const nowMs = Date.now();
      // After a pause of this process, acknowledgements of clients are still unread, so nobody is
      // late.
      if (nowMs < dueMs + TICK_MS) delivery.declineLate(nowMs);
      dueMs = nowMs + TICK_MS;
      for (let looks = Math.ceil(hub.sessions.size / TICKS_PER_PASS); looks > 0; looks -= 1) {
        const next = rest.next();
        if (next.done) {
          rest = hub.sessions.values();
          break;
        }
        next.value.stream?.look(nowMs);
      }
    }, TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
