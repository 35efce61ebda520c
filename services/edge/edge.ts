import { startService } from '../../shared/process/boot.ts';
import { Epochs } from '../../shared/process/epochs.ts';
import { type Gap, Pressure } from '../../shared/process/pressure.ts';
import type { Config } from './config.ts';
import { drainClients } from './lifecycle/drain.ts';
import { SessionSweep } from './lifecycle/session-sweep.ts';
import { createParts, type EdgeDeps } from './parts.ts';
import { RouterDiscovery } from './routers/router-discovery.ts';
import { startServer } from './server/uws-server.ts';
import { keepKeys } from './tokens/keep-keys.ts';

export type Edge = Awaited<ReturnType<typeof createEdge>>;

/** Closing may take this long on top of the drain. */
const CLOSE_EXTRA_MS = 5_000;
/**
 * An edge gathers what its sockets ask of routers, and nobody gathers it again on its way to
 * Postgres. So this gap decides how many messages and commits the requests become. An edge with
 * 5000 connections is busy for 0.07 of the time at 100 messages/s, for 0.12 at 500/s, for 0.2 at
 * 1250/s and for 0.3 at 2000/s, which makes gaps of 2, 3, 5 and 8 ms. Measured best were at most
 * 2 ms at the first rate, 4 ms at the second, 6 ms at the third, and more than 6 ms at the last.
 */
const WRITE_GAP: Gap = { calmMs: 0, pressedMs: 8, between: [0, 0.3] };

/** Wires an edge; `close` drains it, see `drainClients`. */
export function createEdge(config: Config, deps: EdgeDeps) {
  return startService(config, deps, async (boot) => {
    const { connect, closers } = boot;
    const pressure = new Pressure();
    const bus = await connect({ writeGapMs: () => pressure.gapMs(WRITE_GAP) });
    const epochs = new Epochs();
    const { hub, table, delivery, verifier, erased, connections, handlers } = createParts(
      { ...boot, config, bus, epochs },
      deps,
    );
    const discovery = new RouterDiscovery(bus, table, epochs);
    closers.push('discovery', () => discovery.close());
    const sweep = new SessionSweep(hub);
    closers.push('sweep', () => sweep.close());
    await keepKeys(verifier, boot);

    const server = await startServer(config, handlers);
    closers.push('server', () => server.close());
    const plan = { drainMs: config.drainMs, reconnectMs: config.drainReconnectMs };
    const drain = async (): Promise<void> => {
      server.stopAccepting();
      await drainClients({ hub, delivery, server }, plan);
    };
    closers.push('clients', drain, config.drainMs + CLOSE_EXTRA_MS);
    const problem = (): string | undefined => {
      if (verifier.keyCount === 0) return 'no key for tokens is known';
      if (!erased.isLoaded) return 'it is not known who was erased';
      if (connections.isFull) return `all ${connections.max} connections are taken`;
      return table.instances.length === 0 ? 'no router is known' : undefined;
    };
    return { port: server.port, problem };
  });
}
