import { subjects } from '../../shared/contracts/subjects.ts';
import type { Bus, Msg } from '../../shared/nats/bus.ts';
import { parseJson } from '../../shared/nats/parse-json.ts';
import type { Epochs } from '../../shared/process/epochs.ts';

const INTERVAL_MS = 1_000;

type Heartbeat = {
  /** Says that this router takes no new request from now on. */
  leave(): void;
};

/**
 * Tells the edges that this router serves: each second, and whenever one asks. The routers pass on
 * how far the epochs of the edges are.
 */
export function startHeartbeat(bus: Bus, instance: string, epochs: Epochs): Heartbeat {
  const beat = (): void => {
    bus.publish(subjects.routerAlive, JSON.stringify({ instance, epoch: epochs.now() }));
  };
  const answer = ({ data }: Msg): void => {
    epochs.heard((parseJson(data) as { epoch?: unknown }).epoch);
    beat();
  };
  const timer = setInterval(beat, INTERVAL_MS);
  const asked = bus.subscribe(subjects.routerWho, answer);
  beat();
  return {
    leave() {
      clearInterval(timer);
      if (!bus.nc.isClosed()) asked.unsubscribe();
      bus.publish(subjects.routerLeaving, JSON.stringify({ instance }));
    },
  };
}
