import { startAdminServer } from '../../shared/admin.ts';
import { type Bus, connectBus } from '../../shared/bus.ts';
import { type Closers, createClosers, type ServiceDeps } from '../../shared/process.ts';
import { closeRedis, connectRedis } from '../../shared/redis.ts';
import { subjects } from '../../shared/subjects.ts';
import type { ProfilesConfig } from './config.ts';
import { getProfiles } from './get-profiles.ts';
import { createKahaClient } from './kaha-client.ts';
import { CALLS, guardKaha } from './kaha-guard.ts';
import { createProfileCache } from './profile-cache.ts';
import { createProfileSource } from './profile-source.ts';
import { createProfilesMetrics } from './profiles-metrics.ts';

/** Requests at once; each may hold 1000 ids. */
const CONCURRENCY_MAX = 1_024;
const QUEUE_GROUP = 'profiles';

export type ProfilesServer = { adminPort: number; close(): Promise<void> };

/**
 * Names and pictures for ids: `rpc.profiles.get`. Redis or kaha-main-v3 away makes answers slower
 * or poorer, never wrong or late; only NATS and Redis count for readiness.
 */
export async function createProfiles(
  config: ProfilesConfig,
  deps: ServiceDeps,
): Promise<ProfilesServer> {
  const { logger, metrics } = deps;
  const closers = createClosers(logger);
  let state: 'connecting' | 'serving' | 'draining' = 'connecting';
  let bus: Bus | undefined;
  const redis = connectRedis(config.redisUrl, logger);
  const readiness = (): string | undefined => {
    if (state !== 'serving') return state;
    if (!bus?.connected) return 'NATS is not connected';
    return redis.status === 'ready' ? undefined : 'Redis is not connected';
  };
  try {
    closers.push('redis', () => closeRedis(redis));
    const admin = await startAdminServer({ ...config.admin, metrics, readiness });
    closers.push('admin', () => admin.close());
    bus = await connectBus({ ...config.nats, instance: config.instance, logger, metrics });
    const connected = bus;
    closers.push('bus', () => connected.close());
    serve({ ...deps, bus, redis, config }, closers);
    // Ready is who can be asked: the server must know the subscriptions.
    await bus.nc.flush();
    state = 'serving';
    return {
      adminPort: admin.port,
      close() {
        state = 'draining';
        return closers.closeAll();
      },
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

type Parts = ServiceDeps & {
  bus: Bus;
  redis: ReturnType<typeof connectRedis>;
  config: ProfilesConfig;
};

function serve(parts: Parts, closers: Closers): void {
  const { bus, redis, config, logger } = parts;
  const metrics = createProfilesMetrics(parts.metrics);
  const client = createKahaClient({ ...config.kaha, connectionsMax: CALLS.concurrencyMax });
  closers.push('kaha', () => client.close());
  const source = createProfileSource({
    cache: createProfileCache({ redis, metrics, logger, random: Math.random }),
    fetchBatch: guardKaha({ client, metrics, logger }),
    metrics,
    logger,
  });
  closers.push('fetches', () => source.idle());
  const options = {
    subject: subjects.profiles('get'),
    queue: QUEUE_GROUP,
    concurrencyMax: CONCURRENCY_MAX,
  };
  const server = bus.serve(options, (body, { deadlineAt }) =>
    getProfiles(source, body, deadlineAt),
  );
  closers.push('requests', () => server.drain());
  parts.metrics.gauge('kaha_profiles_ids_in_flight', 'Ids asked for now', () => source.inFlight);
}
