import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

const COMMAND_TIMEOUT_MS = 100;
/** A frozen server: commands fail at once from here on, until it answers a new connection. */
const SOCKET_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_MS = { step: 100, max: 2_000 };

/**
 * A connection for a cache: a command fails at once while Redis is away, and after 100 ms at most.
 * It reconnects for ever; neither the start nor the end depends on it. One log line per outage.
 *
 * A system has keys of its own, or else edges end the presence of another's users: a server, a
 * database (`redis://host/1`) or a prefix (`redis://host?keyPrefix=kaha:`).
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
  });
  return redis;
}

/** Lets what was written go out; a Redis that is away is left at once. */
export async function closeRedis(redis: Redis): Promise<void> {
  try {
    if (redis.status === 'ready') await redis.quit();
  } finally {
    redis.disconnect();
  }
}
