import type { UserSignal } from '../../../shared/contracts/events.ts';
import { queueName, subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { RouterConfig } from '../config.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { createTails } from '../tails/create-tails.ts';
import { DeviceHolders } from './device-holders.ts';
import { DeviceQueues } from './device-queues.ts';
import { HeldDevices } from './held-devices.ts';
import { type Device, KnownQueues } from './known-queues.ts';
import { putMarker } from './put-marker.ts';
import { createQueueApi } from './queue-api.ts';
import { QueueChecks } from './queue-checks.ts';
import { watchHealth } from './queue-health.ts';
import { QueuePublisher } from './queue-publisher.ts';
import { watchQueues } from './queue-watch.ts';

export type Queues = {
  known: KnownQueues;
  devices: DeviceQueues;
  holders: DeviceHolders;
  /** Tells all routers that an edge holds the device, or is about to. */
  tellHeld: (device: Device) => void;
  /** `listener` hears the queue names of devices that open a session at some router. */
  onHeld: (listener: (name: string) => void) => void;
  publisher: QueuePublisher;
  checks: QueueChecks;
  /** Tells whether `known` has all devices that have a queue. */
  isCurrent: () => boolean;
  /** Reads the names of all queues. */
  refresh: () => Promise<void>;
  /** Learns how far the streams were before this router started. */
  learnTails: () => Promise<void>;
};

type Deps = {
  bus: Bus;
  store: AskStore;
  metrics: Metrics;
  counters: RouterMetrics;
  logger: Logger;
};

/** Wires the parts that know, make, watch and fill the device queues. */
export function createQueues(config: RouterConfig, deps: Deps, closers: Closers): Queues {
  const { bus, store, metrics, counters, logger } = deps;
  const { queueShards: shards, queueInactiveDays: inactiveDays } = config;
  const api = createQueueApi(bus, { shards, inactiveDays });
  const known = new KnownQueues(shards);
  // An edge that misses the signal finds the loss when it checks its queues.
  const signalResync = ({ userId, deviceId }: Device): void => {
    const signal: UserSignal = { kind: 'resync', device_id: deviceId };
    bus.publish(subjects.user(userId), JSON.stringify(signal));
  };
  const holders = new DeviceHolders(bus.mux(subjects.answers(config.instance)), counters);
  const announce = ({ userId, deviceId }: Device): void => {
    bus.publish(subjects.queuesMade, queueName(userId, deviceId));
  };
  const makeRoomBeside = (device: Device): Promise<void> => devices.makeRoomBeside(device);
  const queueDeps = {
    putMarker: (device: Device) => putMarker({ publisher, makeRoomBeside }, device),
    store,
    api,
    shards,
    known,
    holders,
    announce,
    signalResync,
  };
  const devices = new DeviceQueues({ ...queueDeps, metrics: counters, logger });
  const held = new HeldDevices(bus);
  const voidQueue = (device: Device): Promise<void> => devices.void(device);
  const watch = watchQueues({ bus, api, known, shards, signalResync, voidQueue, logger });
  closers.push('queue-watch', () => watch.close());
  const watched = { bus, instance: config.instance, api, known, queues: devices, shards, logger };
  const {
    tails,
    check: checkTail,
    learn,
  } = createTails({ ...watched, names: watch, metrics: counters }, closers);
  const health = watchHealth({ ...watched, tails, checkTail });
  closers.push('queue-health', () => health.close());
  const publisher = new QueuePublisher({ bus, tails, shards, onTailLost: checkTail });
  const { isCurrent } = watch;
  const tellHeld = (device: Device): void => held.tell(device);
  const checks = new QueueChecks({ known, isCurrent, api, tellHeld, metrics: counters });
  metrics.gauge('kaha_router_queues_known', 'Device queues known', () => known.size);
  metrics.gauge('kaha_router_queues_creating', 'Creations that wait', () => devices.creating);
  return {
    known,
    devices,
    holders,
    tellHeld,
    onHeld: (listener) => held.listen(listener),
    publisher,
    checks,
    isCurrent,
    refresh: watch.refresh,
    learnTails: learn,
  };
}
