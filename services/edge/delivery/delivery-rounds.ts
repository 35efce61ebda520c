import { repeat } from '../../../shared/process/repeat.ts';
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
  readonly close: () => void;

  constructor(hub: Hub, delivery: Delivery) {
    let rest = hub.sessions.values();
    this.close = repeat(TICK_MS, (nowMs, readMs) => {
      delivery.declineLate(readMs);
      for (let looks = Math.ceil(hub.sessions.size / TICKS_PER_PASS); looks > 0; looks -= 1) {
        const next = rest.next();
        if (next.done) {
          rest = hub.sessions.values();
          break;
        }
        next.value.stream?.look(nowMs);
      }
    });
  }
}
