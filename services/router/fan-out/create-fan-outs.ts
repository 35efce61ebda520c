import { Events } from 'nats';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { DurableEvents } from '../../../shared/durable-events/durable-event.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { MembershipSignals } from '../conversations/membership-signals.ts';
import { Feed } from '../feed/feed.ts';
import type { Queues } from '../queues/create-queues.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { AwayDevices } from './away-devices.ts';
import { DeviceLines } from './device-lines.ts';
import { FanOut } from './fan-out.ts';
import { OutboxRepair } from './outbox-repair.ts';
import { OutboxReports } from './outbox-reports.ts';
import { OwedFanOuts } from './owed-fan-outs.ts';

/** When the process stops, fan-outs that have begun get this long to reach their queues. */
const DRAIN_MS = 8_000;
const FEED_TIMEOUT_MS = 1_500;

type Deps = {
  instance: string;
  bus: Bus;
  store: AskStore;
  queues: Queues;
  memberships: Pick<MembershipSignals, 'publishAgain'>;
  metrics: Metrics;
  counters: RouterMetrics;
  logger: Logger;
  events?: DurableEvents | undefined;
};

type FanOuts = { owed: OwedFanOuts; feed: Feed };

/** Wires the parts that bring an outbox row to the devices, the queues and the feed. */
export function createFanOuts(deps: Deps, closers: Closers): FanOuts {
  const { instance, bus, store, queues, memberships, counters, logger, events } = deps;
  const { publisher, known, devices, isCurrent } = queues;
  const parts = { metrics: counters, logger };
  const lines = createLines(deps, closers);
  const fanOut = new FanOut({
    lines,
    devicesOf: (userId) => known.devicesOf(userId),
    isCurrent,
    room: () => lines.room() ?? publisher.room(),
    publishLive: (userId, payload) => bus.publish(subjects.user(userId), payload),
  });
  const reports = new OutboxReports({ ...parts, store });
  closers.push('outbox-reports', () => reports.close());
  const feed = new Feed({
    ...parts,
    publish(payload, msgId) {
      const options = { msgId, timeoutMs: FEED_TIMEOUT_MS };
      return bus.jetPublish(subjects.events(instance), Buffer.from(payload), options);
    },
  });
  closers.push('feed', () => feed.close(), DRAIN_MS);
  const repair = new OutboxRepair({
    ...parts,
    store,
    fanOut,
    feed,
    reports,
    voidQueues: (userId) => devices.voidUser(userId),
    onRepair: (entry) => memberships.publishAgain(entry),
    isReady: () => bus.connected && isCurrent(),
    events,
  });
  closers.push('outbox-repair', () => repair.close(), DRAIN_MS);
  const owed = new OwedFanOuts({
    fanOut,
    feed,
    reports,
    repair,
    stillOwed: async (eventIds) => {
      try {
        return (await store('outbox.owed', { event_ids: eventIds })).event_ids;
      } catch (error) {
        logger.debug({ err: error }, 'the outbox cannot be read');
        return eventIds;
      }
    },
    metrics: counters,
  });
  closers.push('fan-outs', () => owed.drained(), DRAIN_MS);
  void onDisconnect(bus, () => {
    reports.forget();
    lines.disconnected();
  });

  const { gauge } = deps.metrics;
  gauge('kaha_router_publishes_in_flight', 'JetStream publishes', () => publisher.inFlight);
  gauge('kaha_router_publishes_waiting', 'Publishes that wait', () => publisher.waiting);
  gauge('kaha_router_outbox_reports_held', 'Not yet reported to store', () => reports.held);
  gauge('kaha_router_feed_waiting', 'Events on their way to the feed', () => feed.waiting);
  return { owed, feed };
}

/** Wires the parts that bring an event to one device or its queue. */
function createLines(deps: Deps, closers: Closers): DeviceLines {
  const { instance, bus, queues, counters, logger } = deps;
  const { publisher, devices, onHeld } = queues;
  const away = new AwayDevices();
  onHeld((name) => away.arrives(name, steadyMs()));
  bus.onReconnect(() => away.reconnected(steadyMs()));
  const lines = new DeviceLines({
    mux: bus.mux(subjects.answers(instance)),
    publisher,
    away,
    voidQueue: (device) => devices.void(device),
    makeRoom: (device) => devices.makeRoomBeside(device),
    metrics: counters,
    logger,
  });
  bus.subscribe(subjects.queuesMade, (msg) => lines.remade(msg.string()));
  closers.push('device-lines', async () => lines.close());
  const { gauge } = deps.metrics;
  gauge('kaha_router_offers_open', 'Offers without an answer', () => lines.offered);
  gauge('kaha_router_device_events', 'Events on their way', () => lines.events);
  gauge('kaha_router_device_lines', 'Devices whose order is kept', () => lines.size);
  gauge('kaha_router_devices_away', 'Devices found away', () => away.size);
  return lines;
}

async function onDisconnect(bus: Bus, listener: () => void): Promise<void> {
  for await (const status of bus.nc.status()) {
    if (status.type === Events.Disconnect) listener();
  }
}
