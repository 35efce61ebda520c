import { connectBus } from '../../shared/nats/bus.ts';
import { WRITE_GAP_MS } from '../../shared/nats/write-batches.ts';
import { startAdminServer } from '../../shared/process/admin.ts';
import { createClosers, type ServiceDeps } from '../../shared/process/process.ts';
import type { Config } from './config.ts';
import { drainSockets } from './lifecycle/drain.ts';
import { SessionSweep } from './lifecycle/session-sweep.ts';
import { createParts } from './parts.ts';
import { RouterDiscovery } from './routers/router-discovery.ts';
import { startServer } from './server/uws-server.ts';

export type Edge = { port: number; adminPort: number; close(): Promise<void> };

/** How long a key that its server has withdrawn is still good, at most. */
const LOAD_KEYS_MS = 300_000;
/** What closing may take on top of the drain. */
const CLOSE_EXTRA_MS = 5_000;

/** The wiring of an edge. `close` drains: see `drainSockets`. */
export async function createEdge(config: Config, deps: ServiceDeps): Promise<Edge> {
  const { logger, metrics } = deps;
  const closers = createClosers(logger);
  let isDraining = false;
  let isReady: () => string | undefined = () => 'connecting to NATS';
  const readiness = (): string | undefined => (isDraining ? 'draining' : isReady());
  // First, so that `/livez` answers while there is nothing to serve with yet.
  const admin = await startAdminServer({ ...config.admin, metrics, readiness });
  closers.push('admin', () => admin.close());

  const bus = await connectBus({
    ...config.nats,
    instance: config.instance,
    writeGapMs: WRITE_GAP_MS,
    ...deps,
  });
  closers.push('nats', () => bus.close());
  const given = { config, bus, closers, isDraining: () => isDraining };
  const { hub, table, delivery, verifier, handlers } = createParts(given, deps);
  const discovery = new RouterDiscovery(bus, table);
  closers.push('discovery', () => discovery.close());
  const sweep = new SessionSweep(hub);
  closers.push('sweep', () => sweep.close());

  const loadKeys = (): Promise<void> =>
    verifier.loadKeys().catch((error) => logger.warn({ err: error }, 'no keys for tokens'));
  await loadKeys();
  const loading = setInterval(() => void loadKeys(), LOAD_KEYS_MS);
  closers.push('keys', () => clearInterval(loading));

  const server = await startServer(config, handlers);
  closers.push('server', () => server.close());
  isReady = () => {
    if (!bus.connected) return 'NATS is not connected';
    return table.instances.length === 0 ? 'no router is known' : undefined;
  };
  const plan = { drainMs: config.drainMs, reconnectMs: config.drainReconnectMs };
  const drain = async (): Promise<void> => {
    isDraining = true;
    server.stopAccepting();
    await drainSockets(hub, delivery, plan);
  };
  closers.push('sockets', drain, config.drainMs + CLOSE_EXTRA_MS);
  return { port: server.port, adminPort: admin.port, close: () => closers.closeAll() };
}
