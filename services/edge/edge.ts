import { startAdminServer } from '../../shared/admin.ts';
import { connectBus } from '../../shared/bus.ts';
import { createClosers, type ServiceDeps } from '../../shared/process.ts';
import { Authentication } from './authentication.ts';
import type { Config } from './config.ts';
import { Conversations } from './conversations.ts';
import { DeliveredReports } from './delivered-reports.ts';
import { Delivery } from './delivery.ts';
import { drainSockets } from './drain.ts';
import { createEdgeMetrics } from './edge-metrics.ts';
import { FrameDispatcher } from './frame-dispatcher.ts';
import { HttpApi } from './http-api.ts';
import { Hub } from './hub.ts';
import { Messages } from './messages.ts';
import { createOperations } from './operations/table.ts';
import { Replay } from './replay.ts';
import { RouterClient } from './router-client.ts';
import { RouterDiscovery } from './router-discovery.ts';
import { RouterTable } from './router-table.ts';
import { createRoutes } from './routes/table.ts';
import { SessionOpening } from './session-opening.ts';
import { SessionSweep } from './session-sweep.ts';
import { Sockets } from './sockets.ts';
import { Subscriptions } from './subscriptions.ts';
import { TokenVerifier } from './token-verifier.ts';
import { Upgrades } from './upgrades.ts';
import { UserLimits } from './user-limits.ts';
import { UserSignals } from './user-signals.ts';
import { startServer } from './uws-server.ts';

export type Edge = { port: number; adminPort: number; close(): Promise<void> };

const FORGET_LIMITS_MS = 2_000;
/** What closing may take on top of the drain. */
const CLOSE_EXTRA_MS = 5_000;

/** The wiring of an edge. `close` drains: see `drainSockets`. */
export async function createEdge(config: Config, deps: ServiceDeps): Promise<Edge> {
  const { logger } = deps;
  const { instance, allowedOrigins, admissionRatePerS } = config;
  const closers = createClosers(logger);
  const metrics = createEdgeMetrics(deps.metrics);
  let isDraining = false;

  const bus = await connectBus({ ...config.nats, instance, ...deps });
  closers.push('nats', () => bus.close());
  const table = new RouterTable();
  const discovery = new RouterDiscovery(bus, table);
  closers.push('discovery', () => discovery.close());
  const routers = new RouterClient(bus, table);
  const reports = new DeliveredReports(bus, table);
  closers.push('reports', () => reports.close());

  const hub = new Hub(metrics);
  const subscriptions = new Subscriptions(bus.nc);
  const delivery = new Delivery({ bus, subscriptions, hub, reports, metrics, logger });
  bus.onReconnect(() => delivery.settleHeld());
  const signals = new UserSignals({
    bus,
    subscriptions,
    hub,
    logger,
    onResync: (session, userId) => void opening.replaceVoidQueue(session, userId),
  });
  const replay = new Replay({ bus, hub, logger });
  const opening = new SessionOpening({ routers, delivery, signals, replay, hub, metrics, logger });

  const verifier = new TokenVerifier(config.token);
  const limits = new UserLimits();
  const forgetting = setInterval(() => limits.forgetIdle(Date.now()), FORGET_LIMITS_MS);
  closers.push('limits', () => clearInterval(forgetting));
  const messages = new Messages(bus, routers);
  const conversations = new Conversations(routers);
  const dispatcher = new FrameDispatcher({
    hub,
    authentication: new Authentication({ verifier, opening, hub }),
    operations: createOperations({ hub, delivery, messages, conversations }),
    limits,
    metrics,
    logger,
  });
  const routes = createRoutes({ messages, conversations });
  const api = new HttpApi({ routes, verifier, limits, allowedOrigins, metrics, logger });
  const upgrades = new Upgrades({
    bus,
    verifier,
    opening,
    metrics,
    allowedOrigins,
    admissionRatePerS,
    isDraining: () => isDraining,
  });
  const sockets = new Sockets({ hub, opening, delivery, signals, metrics });
  const sweep = new SessionSweep(hub);
  closers.push('sweep', () => sweep.close());

  const admin = await startAdminServer({
    ...config.admin,
    metrics: deps.metrics,
    readiness() {
      if (isDraining) return 'draining';
      if (!bus.connected) return 'NATS is not connected';
      return table.instances.length === 0 ? 'no router is known' : undefined;
    },
  });
  closers.push('admin', () => admin.close());
  const server = await startServer(config, {
    upgrade: (call) => upgrades.decide(call),
    opened: (session) => sockets.opened(session),
    received: (session, bytes, isBinary) => dispatcher.receive(session, bytes, isBinary),
    closed: (session, code) => sockets.closed(session, code),
    http: (call) => api.answer(call),
  });
  closers.push('server', () => server.close());
  const plan = { drainMs: config.drainMs, reconnectMs: config.drainReconnectMs };
  closers.push(
    'sockets',
    async () => {
      isDraining = true;
      server.stopAccepting();
      await drainSockets(hub, delivery, plan);
    },
    config.drainMs + CLOSE_EXTRA_MS,
  );
  return { port: server.port, adminPort: admin.port, close: () => closers.closeAll() };
}
