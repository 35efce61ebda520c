import { subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Epochs } from '../../../shared/process/epochs.ts';
import { repeat } from '../../../shared/process/repeat.ts';
import type { RouterTable } from './router-table.ts';

/** The edge looks for silent routers this often. */
const EXPIRE_MS = 500;
const INSTANCE = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Keeps the table by heartbeats, goodbyes and silence. At the start and after a reconnect, it asks
 * which routers are there. By the same messages, edges hear how far the epochs of all edges are.
 */
export class RouterDiscovery {
  readonly close: () => void;

  constructor(bus: Bus, table: RouterTable, epochs: Epochs) {
    bus.subscribe(subjects.routerAlive, (msg) => {
      const { instance, epoch } = read(msg);
      epochs.heard(epoch);
      if (instance !== undefined) table.heard(instance, steadyMs());
    });
    bus.subscribe(subjects.routerLeaving, (msg) => {
      const { instance } = read(msg);
      if (instance !== undefined) table.remove(instance);
    });
    const ask = (): void => {
      bus.publish(subjects.routerWho, JSON.stringify({ epoch: epochs.now() }));
    };
    bus.onReconnect(ask);
    ask();
    // Without a connection all routers are silent, so what they said last stays true.
    this.close = repeat(EXPIRE_MS, (_nowMs, readMs) => {
      if (bus.connected) table.expire(readMs);
    });
  }
}

/** Reads a payload `{"instance":…,"epoch":…}`. A router of the version before tells no epoch. */
function read(msg: Msg): { instance?: string; epoch?: unknown } {
  try {
    const { instance, epoch } = msg.json<{ instance?: unknown; epoch?: unknown }>();
    return typeof instance === 'string' && INSTANCE.test(instance) ? { instance, epoch } : {};
  } catch {
    // The message comes from no router of ours.
    return {};
  }
}
