import type { Bus } from '../../shared/bus.ts';
import type { UserSignal } from '../../shared/events.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Metrics } from '../../shared/metrics.ts';
import type { Closers } from '../../shared/process.ts';
import { subjects } from '../../shared/subjects.ts';
import type { RouterConfig } from './config.ts';
import { DeviceQueues } from './device-queues.ts';
import { InboxPublisher } from './inbox-publisher.ts';
import { type Device, KnownQueues } from './known-queues.ts';
import { createQueueApi } from './queue-api.ts';
import { watchHealth } from './queue-health.ts';
import { watchQueues } from './queue-watch.ts';
import type { RouterMetrics } from './router-metrics.ts';

export type Queues = {
  known: KnownQueues;
  devices: DeviceQueues;
  publisher: InboxPublisher;
  /** Reads which queues there are. */
  refresh: () => Promise<void>;
};

type Deps = { bus: Bus; metrics: Metrics; counters: RouterMetrics; logger: Logger };

/** Wires what knows, makes, watches and fills the device queues. */
export function createQueues(config: RouterConfig, deps: Deps, closers: Closers): Queues {
  const { bus, metrics, counters, logger } = deps;
  const { inboxShards: shards, queueInactiveDays: inactiveDays } = config;
  const api = createQueueApi(bus, { shards, inactiveDays });
  const known = new KnownQueues(shards);
  const signalResync = ({ userId, deviceId }: Device): void => {
    const signal: UserSignal = { kind: 'resync', device_id: deviceId };
    bus.publish(subjects.user(userId), JSON.stringify(signal));
  };
  const devices = new DeviceQueues({ api, known, signalResync, metrics: counters, logger });
  const publisher = new InboxPublisher(bus, {
    shards,
    onTailLost: (shard) => health.tailLost(shard),
  });
  const health = watchHealth({ bus, api, known, queues: devices, publisher, shards, logger });
  closers.push('queue-health', () => health.close());
  const watch = watchQueues({ bus, api, known, shards, signalResync, logger });
  closers.push('queue-watch', () => watch.close());
  metrics.gauge('kaha_router_queues_known', 'Device queues known', () => known.size);
  metrics.gauge('kaha_router_queues_creating', 'Creations that wait', () => devices.creating);
  return { known, devices, publisher, refresh: () => watch.refresh() };
}
