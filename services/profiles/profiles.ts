import type { Redis } from 'ioredis';
import { streams, subjects } from '../../shared/contracts/subjects.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import { type ServiceDeps, startService } from '../../shared/process/boot.ts';
import type { Closers } from '../../shared/process/closers.ts';
import { closeRedis, connectRedis } from '../../shared/process/redis.ts';
import { createLocalProfiles } from './cache/local-profiles.ts';
import { createProfileCache } from './cache/profile-cache.ts';
import type { ProfilesConfig } from './config.ts';
import { createKahaClient } from './kaha/kaha-client.ts';
import { CALLS, guardKaha } from './kaha/kaha-guard.ts';
import { getProfiles } from './look-up/get-profiles.ts';
import { createProfileSource } from './look-up/profile-source.ts';
import { createProfilesMetrics } from './profiles-metrics.ts';
import { createInstanceSignals } from './updates/instance-signals.ts';
import { createEventHandler } from './updates/profile-events.ts';
import { createUpdateNotices } from './updates/update-notices.ts';
import { createViewers } from './updates/viewers.ts';
import { startWebhookServer } from './updates/webhook-server.ts';

/** The service answers this many requests at once, and each may hold 2000 ids. */
const CONCURRENCY_MAX = 1_024;
const QUEUE_GROUP = 'profiles';
/**
 * Each consumer pulls one event at a time. A consumer that waits to fill a batch, while others take
 * the events, would delay the event it already has.
 */
const EVENTS_AT_ONCE = 4;
const STORED_MS = 2_000;

export type ProfilesServer = Awaited<ReturnType<typeof createProfiles>>;

/**
 * The service answers `rpc.profiles.get` with names and pictures for ids, and carries out the
 * events of kaha-main-v3 that change them. While Redis or kaha-main-v3 is away, answers are slower
 * or poorer, but never wrong or late. Only NATS and Redis count for readiness.
 */
export function createProfiles(config: ProfilesConfig, deps: ServiceDeps) {
  return startService(config, deps, async ({ connect, closers, logger }) => {
    // Redis connects while we wait for NATS.
    const redis = connectRedis(config.redisUrl, logger);
    closers.push('redis', () => closeRedis(redis));
    const bus = await connect();
    const { webhookPort } = await serve({ ...deps, bus, redis, config }, closers);
    const problem = (): string | undefined =>
      redis.status === 'ready' ? undefined : 'Redis is not connected';
    return { webhookPort, problem };
  });
}

type Parts = ServiceDeps & { bus: Bus; redis: Redis; config: ProfilesConfig };

async function serve(parts: Parts, closers: Closers): Promise<{ webhookPort: number }> {
  const { bus, redis, config, logger } = parts;
  const metrics = createProfilesMetrics(parts.metrics);
  const client = createKahaClient({ ...config.kaha, connectionsMax: CALLS.concurrencyMax });
  closers.push('kaha', () => client.close());
  const local = createLocalProfiles(Math.random);
  const cache = createProfileCache({ redis, metrics, logger });
  const kaha = guardKaha({ client, random: Math.random, metrics, logger });
  closers.push('circuit', () => kaha.close());
  const source = createProfileSource({ cache, local, kaha, metrics, random: Math.random });
  closers.push('fetches', () => source.idle());
  const signals = createInstanceSignals({ bus, local, logger });
  const viewers = createViewers({ bus, metrics });
  const notices = createUpdateNotices({ source, signals, viewers, metrics, logger });
  closers.push('notices', () => notices.close());

  const subject = subjects.profiles('get');
  const options = { subject, queue: QUEUE_GROUP, concurrencyMax: CONCURRENCY_MAX };
  const server = bus.serve(options, (body, { deadlineAt }) =>
    getProfiles({ source, metrics }, body, deadlineAt),
  );
  closers.push('requests', () => server.drain());
  const handle = createEventHandler({ cache, local, signals, notices, metrics, logger });
  const events = { stream: streams.kahaEvents, durable: streams.kahaEventsDurable };
  const consumers = Array.from({ length: EVENTS_AT_ONCE }, () =>
    bus.consume({ ...events, batchMax: 1, handle }),
  );
  closers.push('events', async () => {
    await Promise.all(consumers.map((consumer) => consumer.close()));
  });
  const webhook = await startWebhookServer({
    ...{ ...config.webhook, serviceToken: config.kaha.serviceToken, metrics, logger },
    accept: ({ subject, id, msgId }) =>
      bus.jetPublish(subject, Buffer.from(JSON.stringify({ id })), { msgId, timeoutMs: STORED_MS }),
  });
  closers.push('webhook', () => webhook.close());

  const { gauge } = parts.metrics;
  gauge('kaha_profiles_ids_in_flight', 'Ids asked for now', () => source.inFlight);
  gauge('kaha_profiles_calls_running', 'Calls with a place', () => kaha.running);
  gauge('kaha_profiles_calls_waiting', 'Calls that wait for a place', () => kaha.waiting);
  gauge('kaha_profiles_circuit_state', '0 closed, 1 half-open, 2 open', () => kaha.circuitState);
  gauge('kaha_profiles_local', 'Profiles in this process', () => local.size);
  gauge('kaha_profiles_notices_waiting', 'Changes to be told', () => notices.waiting);
  return { webhookPort: webhook.port };
}
