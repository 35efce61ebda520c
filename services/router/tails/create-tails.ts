import type { Bus } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { DeviceQueues } from '../queues/device-queues.ts';
import type { KnownQueues } from '../queues/known-queues.ts';
import type { QueueApi } from '../queues/queue-api.ts';
import type { QueueWatch } from '../queues/queue-watch.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { learnTails } from './learn-tails.ts';
import { ShardTails } from './shard-tails.ts';
import { TailChecks } from './tail-checks.ts';
import { TailSignals } from './tail-signals.ts';

type Deps = {
  bus: Bus;
  instance: string;
  api: QueueApi;
  known: KnownQueues;
  names: Pick<QueueWatch, 'refresh'>;
  queues: Pick<DeviceQueues, 'void'>;
  shards: number;
  metrics: RouterMetrics;
  logger: Logger;
};

type Tails = {
  tails: ShardTails;
  /** Checks a shard that may have lost its tail. Never rejects. */
  check(shard: number): Promise<void>;
  /** Learns what the shards had acknowledged before this router started. */
  learn(): Promise<void>;
};

/** Wires the parts that find out which shards have lost what they had acknowledged. */
export function createTails(deps: Deps, closers: Closers): Tails {
  const { bus, shards, logger } = deps;
  const now = steadyMs;
  const tails = new ShardTails(shards, { now });
  const check = async (shard: number): Promise<void> => {
    if (!bus.connected) return;
    await checks.check(shard).catch((error) => {
      // The next look at the depths checks the shard again.
      logger.warn({ err: error, shard }, 'stream not checked');
    });
  };
  const signals = new TailSignals({
    ...{ bus, instance: deps.instance, tails, now, logger },
    onProven: (proven) => proven.forEach((shard) => void check(shard)),
    onLost: (heard) => {
      if (checks.hear(heard)) void check(heard.shard);
    },
  });
  const checks = new TailChecks({ ...deps, tails, signals, now });
  closers.push('tail-checks', () => checks.close());
  closers.push('tail-signals', async () => signals.close());
  const learning = { ...deps, tails, signals, checkTail: check, now };
  return { tails, check, learn: () => learnTails(learning) };
}
