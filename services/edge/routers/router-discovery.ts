import { subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import type { RouterTable } from './router-table.ts';

/** The edge looks for silent routers this often. */
const EXPIRE_MS = 500;
const INSTANCE = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Keeps the table by heartbeats, goodbyes and silence. At the start and after a reconnect, it asks
 * which routers are there.
 */
export class RouterDiscovery {
  readonly #timer: NodeJS.Timeout;

  constructor(bus: Bus, table: RouterTable) {
    bus.subscribe(subjects.routerAlive, (msg) => {
      const instance = instanceOf(msg);
      if (instance !== undefined) table.heard(instance, Date.now());
    });
    bus.subscribe(subjects.routerLeaving, (msg) => {
      const instance = instanceOf(msg);
      if (instance !== undefined) table.remove(instance);
    });
    const ask = (): void => void bus.publish(subjects.routerWho, '{}');
    bus.onReconnect(ask);
    ask();
    // Without a connection all routers are silent, so what they said last stays true.
    this.#timer = setInterval(() => {
      if (bus.connected) table.expire(Date.now());
    }, EXPIRE_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Reads a payload `{"instance":…}`. */
function instanceOf(msg: Msg): string | undefined {
  try {
    const { instance } = msg.json<{ instance?: unknown }>();
    return typeof instance === 'string' && INSTANCE.test(instance) ? instance : undefined;
  } catch {
    // The message comes from no router of ours.
    return undefined;
  }
}
