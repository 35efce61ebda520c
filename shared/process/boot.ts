import { type Bus, connectBus } from '../nats/bus.ts';
import { type Readiness, startAdminServer } from './admin.ts';
import { type Closers, createClosers } from './closers.ts';
import type { CommonConfig } from './env.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export type ServiceDeps = { logger: Logger; metrics: Metrics };

/** What a service builds itself from. */
export type Boot = ServiceDeps & {
  /** Each part that the service opens pushes its closer. */
  closers: Closers;
  /** The service calls this once. A first connection may take for ever. */
  connect(options?: { writeGapMs?: number }): Promise<Bus>;
  /** `/readyz` says what the service is about to do until it has started. */
  begin(step: string): void;
  isDraining(): boolean;
};

/** `problem` says why a service that has started and has NATS can do no work. */
type Started = { problem?: Readiness };
type Running = { adminPort: number; close(): Promise<void> };

/**
 * The one way in which a service starts and ends:
 *
 *     admin port → start: parts, NATS → flush → ready → … → close: draining → closers in reverse
 *
 * The admin port comes first, so that `/livez` answers while the service waits for NATS, and goes
 * last. The flush comes before readiness: a ready service can be asked, so the NATS server must
 * know its subscriptions. A start that fails closes what it had opened, and rejects. What `start`
 * returns, and the admin port, are the result.
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
