import { join } from 'node:path';
import { readSeeds } from '../servers/nats-server.ts';
import { readSecrets } from '../servers/secrets.ts';
import { mintTokens, type Stack, startStack } from '../stack/stack.ts';
import { readStackFile } from '../stack/stack-file.ts';

type Servers = { databaseUrl: string; redisUrl: string };

/** The stacks of tests divide device queues over so many streams. */
export const TEST_QUEUE_SHARDS = 64;
const KEY_PREFIX = 'common:';

/**
 * Starts one system, in its own folder, for all test files that only use it. It ends with this
 * process.
 */
export async function startCommonStack(
  dir: string,
  { databaseUrl, redisUrl }: Servers,
  signal: AbortSignal,
): Promise<Stack> {
  const redis = new URL(redisUrl);
  redis.searchParams.set('keyPrefix', KEY_PREFIX);
  return startStack({
    ...{ ...placesOf(dir), port: 0, bound: true, signal },
    ...{ edges: 2, routers: 2, stores: 2, queueShards: TEST_QUEUE_SHARDS },
    ...{ databaseUrl, redisUrl: redis.href },
  });
}

/**
 * Opens the common stack from another process. The result has no processes, so a test cannot harm
 * any.
 */
export function openCommonStack(dir: string): { stack: Stack; runDir: string } {
  const { runDir, dataDir } = placesOf(dir);
  const { urls } = readStackFile(runDir);
  const refuse = (): never => {
    throw new Error('not of this file alone');
  };
  const stack: Stack = {
    ...{ processes: [], urls, seeds: readSeeds(join(dataDir, 'nats')) },
    serviceToken: readSecrets(dataDir).edgeServiceToken,
    token: async (userId, ttlS) => (await mintTokens(urls.kaha, [userId], ttlS))[0] as string,
    ...{ kill: refuse, start: refuse, stopProcess: refuse },
    stop: () => Promise.resolve(),
  };
  return { stack, runDir };
}

function placesOf(dir: string): { runDir: string; dataDir: string } {
  return { runDir: join(dir, 'run'), dataDir: join(dir, 'data') };
}
