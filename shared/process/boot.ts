import { type Bus, connectBus } from '../nats/bus.ts';
import { type Readiness, startAdminServer } from './admin.ts';
import { type Closers, createClosers } from './closers.ts';
import type { CommonConfig } from './env.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export type ServiceDeps = { logger: Logger; metrics: Metrics };

/** A service is built from these parts. */
export type Boot = ServiceDeps & {
  /** Each part that the service opens pushes its closer. */
  closers: Closers;
  /** Opens the bus, and is called at most once. A first connection may take for ever. */
  connect(options?: { writeGapMs?: () => number }): Promise<Bus>;
  /** `step` is what `/readyz` answers until the next step, or until the service has started. */
  begin(step: string): void;
  isDraining(): boolean;
};

/** `problem` says why a service that has started and is connected to NATS can do no work. */
type Started = { problem?: Readiness };
type Running = { adminPort: number; close(): Promise<void> };

/**
 * Starts a service in the one way in which all services start and end:
 *
 *     admin port → start: parts, NATS → flush → ready → … → close: draining → closers in reverse
 *
 * The admin port opens first and closes last, so that `/livez` answers while the service waits for
 * NATS. The flush comes before readiness: a ready service can be asked, so the NATS server must
 * know its subscriptions. A start that fails closes the parts that it had opened, and rejects. The
 * result is what `start` returns, with `adminPort` and `close`.
 */
export async function startService<Result extends Started>(
  config: CommonConfig,
  deps: ServiceDeps,
  start: (boot: Boot) => Promise<Result>,
): Promise<Result & Running> {
  const { logger, metrics } = deps;
  const closers = createClosers(logger);
  let bus: Bus | undefined;
  let step: string | undefined = 'connecting';
  let problem: Readiness = () => undefined;
  let isDraining = false;
  const readiness: Readiness = () => {
    if (isDraining) return 'draining';
    if (step !== undefined) return step;
    return bus === undefined || bus.connected ? problem() : 'NATS is not connected';
  };
  const connect: Boot['connect'] = async (options) => {
    const { instance, nats } = config;
    const connected = await connectBus({ ...nats, instance, ...deps, ...options });
    closers.push('nats', () => connected.close());
    bus = connected;
    return connected;
  };
  const begin = (next: string): void => {
    step = next;
  };
  try {
    const admin = await startAdminServer({ ...config.admin, metrics, readiness });
    closers.push('admin', () => admin.close());
    const result = await start({
      ...deps,
      closers,
      connect,
      begin,
      isDraining: () => isDraining,
    });
    await bus?.nc.flush();
    problem = result.problem ?? problem;
    step = undefined;
    const close = (): Promise<void> => {
      isDraining = true;
      return closers.closeAll();
    };
    return { ...result, adminPort: admin.port, close };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
