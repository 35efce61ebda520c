import { subjects } from '../../shared/contracts/subjects.ts';
import type { Bus } from '../../shared/nats/bus.ts';

const INTERVAL_MS = 1_000;

type Heartbeat = {
  /** Says that this router takes no new request from now on. */
  leave(): void;
};

/** Tells the edges that this router serves: each second, and whenever one asks. */
export function startHeartbeat(bus: Bus, instance: string): Heartbeat {
  const body = JSON.stringify({ instance });
  const beat = (): void => void bus.publish(subjects.routerAlive, body);
  const timer = setInterval(beat, INTERVAL_MS);
  const asked = bus.subscribe(subjects.routerWho, beat);
  beat();
  return {
    leave() {
      clearInterval(timer);
      if (!bus.nc.isClosed()) asked.unsubscribe();
      bus.publish(subjects.routerLeaving, body);
    },
  };
}
