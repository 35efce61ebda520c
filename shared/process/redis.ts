import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

const COMMAND_TIMEOUT_MS = 100;
/**
 * A server that leaves a command unanswered for this long counts as frozen. Commands then fail at
 * once until the server answers a new connection.
 */
const SOCKET_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_MS = { step: 100, max: 2_000 };
const CLUSTER_MODE = /^redis_mode:cluster\r?$/m;

/**
 * Connects to a Redis that serves as a cache. A command fails after 100 ms at most, and at once
 * while Redis is away. The connection reconnects for ever, and neither the start nor the end of a
 * service depends on it. An outage is logged once when it begins and once when it ends.
 *
 * Two installations must not share keys, or else the edges of one end the presence of the other's
 * users. Each needs a server, a database (`redis://host/1`) or a prefix
 * (`redis://host?keyPrefix=kaha:`) of its own.
 *
 * A Redis Cluster ends the process with an error that says so, because its nodes refuse the scripts
 * of presence, which change keys of many users at once.
 */
export function connectRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (tries) => Math.min(tries * RECONNECT_MS.step, RECONNECT_MS.max),
  });
  let away = false;
  redis.on('error', (error) => {
    if (!away) logger.warn({ err: error }, 'redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger.info('redis is back');
    away = false;
    void refuseCluster(redis);
  });
  return redis;
}

/** The promise rejects, and nobody handles that, if Redis runs as a cluster. */
async function refuseCluster(redis: Redis): Promise<void> {
  const info = await redis.info('server').catch(() => '');
  if (CLUSTER_MODE.test(info)) {
    throw new Error('REDIS_URL leads to a Redis Cluster, which is not supported: use one server');
  }
}

/** Waits until Redis has carried out what was sent. A Redis that is away is left at once. */
export async function closeRedis(redis: Redis): Promise<void> {
  try {
    if (redis.status === 'ready') await redis.quit();
  } finally {
    redis.disconnect();
  }
}
