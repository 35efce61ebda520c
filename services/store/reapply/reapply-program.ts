import { connectBus } from '../../../shared/nats/bus.ts';
import type { Env } from '../../../shared/process/env.ts';
import { createLogger, type Logger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { loadOrExit } from '../../../shared/process/process.ts';
import { closeRedis, connectRedis } from '../../../shared/process/redis.ts';
import { loadReapplyConfig, type ReapplyConfig } from '../config.ts';
import { createErasureStream } from './erasure-stream.ts';
import { openOperations } from './open-operations.ts';
import { reapply } from './reapply.ts';

/** Repeats erasures, and resolves with the status that the process exits with. */
export async function reapplyWith(env: Env): Promise<0 | 1> {
  const config = loadOrExit({ env, loadConfig: loadReapplyConfig });
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const naming = { service: 'reapply', instance: 'reapply', level: 'error', hashKey: 'reapply' };
  const logger = createLogger(naming, { write: (line) => tell(line.trimEnd()) });
  try {
    const { repeated, failed } = await runReapply(config, { logger, tell });
    process.stdout.write(`${repeated} repeated, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    tell(`failed: ${(error as Error).message}`);
    return 1;
  }
}

type Output = { logger: Logger; tell: (line: string) => void };

/** Opens what the work needs, and closes it again. */
export async function runReapply(config: ReapplyConfig, { logger, tell }: Output) {
  const metrics = createMetrics('reapply', 'reapply');
  const bus = await connectBus({ ...config.nats, instance: 'store', logger, metrics });
  const redis = config.redisUrl === undefined ? undefined : connectRedis(config.redisUrl, logger);
  const stream = createErasureStream(bus);
  const { operations, db, close } = openOperations(config, { stream, redis, logger });
  try {
    const { contentKeys } = config;
    return await reapply({ db, stream, contentKeys, operations, logger, tell });
  } finally {
    await close();
    if (redis !== undefined) await closeRedis(redis);
    await bus.close();
  }
}
