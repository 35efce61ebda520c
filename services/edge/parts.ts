import type { DurableEvents } from '../../shared/durable-events/durable-event.ts';
import type { KahaError } from '../../shared/errors.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import { type AskStore, createAskStore } from '../../shared/nats/rpc-clients.ts';
import type { ServiceDeps } from '../../shared/process/boot.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Closers } from '../../shared/process/closers.ts';
import type { Epochs } from '../../shared/process/epochs.ts';
import { countOpenFiles } from '../../shared/process/open-files.ts';
import { closeRedis, connectRedis } from '../../shared/process/redis.ts';
import { Assets } from './assets/assets.ts';
import { readPage } from './assets/page.ts';
import { readViewer } from './assets/viewer.ts';
import type { Config } from './config.ts';
import { createDeliveredReports } from './delivery/delivered-reports.ts';
import { Delivery } from './delivery/delivery.ts';
import { DeliveryRounds } from './delivery/delivery-rounds.ts';
import { HeldEvents } from './delivery/held-events.ts';
import { createLateTakes } from './delivery/late-takes.ts';
import { Replay } from './delivery/replay.ts';
import { Documents } from './documents/documents.ts';
import { createEdgeMetrics, type EdgeMetrics } from './edge-metrics.ts';
import { ErasedUsers } from './erased/erased-users.ts';
import { TokenJudge } from './erased/token-judge.ts';
import { FrameDispatcher } from './frames/frame-dispatcher.ts';
import { Inboxes } from './inbox/inboxes.ts';
import { Authentication } from './lifecycle/authentication.ts';
import { QueueChecks } from './lifecycle/queue-checks.ts';
import { QueueOpening } from './lifecycle/queue-opening.ts';
import { SeenDevices } from './lifecycle/seen-devices.ts';
import { SeenReports } from './lifecycle/seen-reports.ts';
import { SessionOpening } from './lifecycle/session-opening.ts';
import { VoidQueues } from './lifecycle/void-queues.ts';
import { UserLimits } from './limits/user-limits.ts';
import { createNames, type NameParts } from './names/create-names.ts';
import { AgentReports } from './presence/agent-reports.ts';
import { Presence } from './presence/presence.ts';
import { Typing } from './presence/typing.ts';
import { HttpApi } from './rest/http-api.ts';
import { REQUEST_TIMEOUT_MS, RouterClient } from './routers/router-client.ts';
import { RouterTable } from './routers/router-table.ts';
import { Connections } from './server/connections.ts';
import { Sockets } from './server/sockets.ts';
import { Upgrades } from './server/upgrades.ts';
import type { Handlers } from './server/uws-server.ts';
import { Hub } from './session/hub.ts';
import type { Session } from './session/session.ts';
import { Subscriptions } from './session/subscriptions.ts';
import { UserSignals } from './session/user-signals.ts';
import { TokenVerifier } from './tokens/token-verifier.ts';

type Parts = {
  hub: Hub;
  table: RouterTable;
  delivery: Delivery;
  verifier: TokenVerifier;
  erased: ErasedUsers;
  connections: Connections;
  handlers: Handlers;
};

/** A test may hand in a table of durable events that has more kinds. */
export type EdgeDeps = ServiceDeps & { events?: DurableEvents };
type Given = {
  config: Config;
  bus: Bus;
  epochs: Epochs;
  closers: Closers;
  isDraining: () => boolean;
};

const FORGET_LIMITS_MS = 2_000;
/** A report may be under way and the next one too, and each takes 4 s at most. */
const CLOSE_SEEN_MS = 2 * REQUEST_TIMEOUT_MS + 1_000;

/** Creates all parts between the server and NATS. */
export function createParts(given: Given, deps: EdgeDeps): Parts {
  const { config, bus, closers } = given;
  const metrics = createEdgeMetrics(deps.metrics);
  const table = new RouterTable();
  const routers = new RouterClient(bus, table);
  const store = createAskStore(bus, REQUEST_TIMEOUT_MS);
  const names = createNames({ bus, closers, deps });
  const parts = { table, routers, store, names, metrics, deps };
  const sessions = createSessions({ ...given, ...parts });
  const { hub, erased, delivery, opening, presence, inboxes } = sessions;

  const verifier = new TokenVerifier(config.token, deps);
  const judge = new TokenJudge({ verifier, erased });
  const limits = new UserLimits();
  const forgetting = setInterval(() => limits.forgetIdle(steadyMs()), FORGET_LIMITS_MS);
  closers.push('limits', () => clearInterval(forgetting));

  const { logger } = deps;
  const typing = new Typing(routers, logger);
  closers.push('typing', () => typing.close());
  const authentication = new Authentication({ judge, opening, hub });
  const handlerParts = {
    store,
    routers,
    ...names,
    typing,
    presence,
    inboxes,
    delivery,
    hub,
    authentication,
    push: config.push,
  };
  const doors = { parts: handlerParts, limits, metrics, logger };
  const dispatcher = new FrameDispatcher({ hub, ...doors });
  const { allowedOrigins, admissionRatePerS, serviceTokens } = config;
  const callers = { judge, serviceTokens };
  const assets = new Assets([...readPage(config.page), ...readViewer()]);
  const shelves = { documents: new Documents(), assets };
  const { isDraining } = given;
  const admission = { allowedOrigins, admissionRatePerS, isDraining };
  const connections = new Connections(config.connections, countOpenFiles);
  const upgrades = new Upgrades({ bus, judge, opening, connections, metrics, ...admission });
  const lack = (): KahaError | undefined => upgrades.lack;
  const api = new HttpApi({ ...shelves, allowedOrigins, lack, ...callers, ...doors });
  const sockets = new Sockets({ ...sessions, connections, typing, metrics });

  gaugeParts(deps.metrics, { ...sessions, erased, connections, table });
  const handlers: Handlers = {
    connected: () => sockets.connected(),
    disconnected: () => connections.closed(),
    isCrowded: () => connections.isOver,
    upgrade: (call) => upgrades.decide(call),
    opened: (session) => sockets.opened(session),
    received: (session, bytes, isBinary) => dispatcher.receive(session, bytes, isBinary),
    closed: (session, code) => sockets.closed(session, code),
    anySocket: () => hub.anySocket,
    http: (call) => api.answer(call),
    refuse: (call, problem) => api.refuse(call, problem),
  };
  return { hub, table, delivery, verifier, erased, connections, handlers };
}

type Gauged = {
  hub: Hub;
  opening: SessionOpening;
  erased: ErasedUsers;
  connections: Connections;
  table: RouterTable;
};

function gaugeParts({ gauge }: EdgeDeps['metrics'], parts: Gauged): void {
  const { hub, opening, erased, connections, table } = parts;
  gauge('kaha_edge_users_erased', 'Users who are refused', () => erased.size);
  gauge('kaha_edge_connections', 'Open connections, REST too', () => connections.open);
  gauge('kaha_edge_connections_max', 'MAX_CONNECTIONS').set(connections.max);
  gauge('kaha_edge_sockets', 'Open WebSockets', () => hub.sessions.size);
  gauge('kaha_edge_sessions_live', 'Sessions that take offers', () => hub.liveCount);
  gauge('kaha_edge_buffered_bytes', 'Not yet read', () => hub.bufferedBytes);
  gauge('kaha_edge_users', 'Users with a session', () => hub.userCount);
  gauge('kaha_edge_openings_waiting', 'Sessions to open', () => opening.waiting);
  gauge('kaha_edge_routers', 'Routers alive', () => table.instances.length);
}

type SessionDeps = Given & {
  table: RouterTable;
  routers: RouterClient;
  store: AskStore;
  names: NameParts;
  metrics: EdgeMetrics;
  deps: EdgeDeps;
};

/**
 * Creates the parts that a session needs: its queue, its user's signals, its opening and replay.
 */
function createSessions(given: SessionDeps) {
  const { config, bus, epochs, table, routers, store, metrics, closers, deps } = given;
  const { nameSystemMessages, lookUpNames } = given.names;
  const { logger } = deps;
  const hub = new Hub(metrics);
  const erased = new ErasedUsers({ bus, hub, logger });
  closers.push('erased', () => erased.close());
  const subscriptions = new Subscriptions(bus.nc);
  const seen = createSeenDevices({ ...given, hub });
  const reports = createDeliveredReports({ bus, table, metrics });
  closers.push('reports', () => reports.close());
  const lateTakes = createLateTakes({ bus, table, metrics });
  closers.push('late takes', () => lateTakes.close());
  const redis = connectRedis(config.redisUrl, logger);
  closers.push('redis', () => closeRedis(redis));
  const agents = new AgentReports(config.instance, { bus, table, metrics });
  // Presence closes before it, and what presence tells then is reported too.
  closers.push('agent reports', () => agents.close());
  const parts = { bus, subscriptions, hub, redis, agents, erased, closers };
  const presence = new Presence({ ...deps, instance: config.instance, ...parts });
  const inboxParts = { bus, subscriptions, store, lookUpNames, hub, metrics: deps.metrics, logger };
  const inboxes = new Inboxes(inboxParts);
  closers.push('inboxes', () => inboxes.close());
  const onConversation = (session: Session): void => presence.conversationChanged(session);
  const held = new HeldEvents({ ...given.names, hub, logger, events: deps.events });
  deps.metrics.gauge('kaha_edge_held_bytes', 'Await names or readers', () => held.bytes);
  const delivery = new Delivery({
    bus,
    subscriptions,
    hub,
    reports,
    lateTakes,
    held,
    onConversation,
    onResync: (stream, resync) => void queues.tellOfNew(stream, resync),
    metrics,
    logger,
  });
  bus.onReconnect(() => delivery.reconnected());
  const rounds = new DeliveryRounds(hub, delivery);
  closers.push('rounds', () => rounds.close());
  const replay = new Replay({ store, hub, nameSystemMessages, logger });
  const queues = new QueueOpening({ bus, routers, delivery, replay, hub, epochs, logger });
  const voids = new VoidQueues({ queues });
  closers.push('void queues', () => voids.close());
  deps.metrics.gauge('kaha_edge_queues_void', 'Queues to make anew', () => voids.waiting);
  const checks = new QueueChecks({ bus, routers, hub, voids, metrics });
  closers.push('queue checks', () => checks.close());
  bus.onReconnect(() => checks.reconnected());
  const signals = new UserSignals({
    bus,
    subscriptions,
    hub,
    held,
    logger,
    onResync: (session, userId) => voids.add(session, userId),
    onLeft: onConversation,
  });
  const opening = new SessionOpening({
    queues,
    signals,
    hub,
    onOpened: (session, userId) => {
      presence.opened(session, userId);
      seen.opened(session);
    },
    metrics,
  });
  return { hub, erased, delivery, signals, opening, presence, inboxes, seen };
}

/** Creates what tells store of devices. It closes after the sockets, whose ends it tells. */
function createSeenDevices({ store, hub, metrics, closers, deps }: SessionDeps & { hub: Hub }) {
  const reports = new SeenReports({ store, metrics });
  closers.push('seen reports', () => reports.close(), CLOSE_SEEN_MS);
  const seen = new SeenDevices({ hub, reports });
  closers.push('seen devices', () => seen.close());
  deps.metrics.gauge(
    'kaha_edge_devices_seen_waiting',
    'Devices that store is not told of yet',
    () => {
      return reports.waiting;
    },
  );
  return seen;
}
