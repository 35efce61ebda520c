import { setTimeout as delay } from 'node:timers/promises';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ShardTails } from '../tails/shard-tails.ts';
import type { DeviceQueues } from './device-queues.ts';
import { deviceOfSubject, type QueueApi } from './queue-api.ts';
import { TOO_DEEP } from './queue-depths.ts';

const DEPTH_INTERVAL_MS = 15_000;
const JITTER_MS = 5_000;
const SHARDS_AT_ONCE = 8;
/** After a reconnect, publishes wait at most this long for the check of the tails. */
const HOLD_MAX_MS = 3_000;

type Deps = {
  bus: Pick<Bus, 'connected' | 'onReconnect'>;
  api: Pick<QueueApi, 'shardInfo'>;
  queues: Pick<DeviceQueues, 'void'>;
  tails: ShardTails;
  /** Checks a shard that may have lost its tail. Never rejects. */
  checkTail: (shard: number) => Promise<void>;
  shards: number;
  logger: Logger;
};

/**
 * Finds queues that may be incomplete, or are nearly full, and voids them. Every 15 to 20 s the
 * router asks for one stream info a shard. It checks the tail of a shard that ends below a number
 * that is known, and asks for the depth of each queue only if the shard holds as many messages as
 * make one queue too deep. A NATS server that came back may have lost a part of a queue:
 * the router asks for the ends after each reconnect, and publishes wait for that, at most 3 s.
 * No look at the shards begins before the one before has ended.
 */
export function watchHealth(deps: Deps): { close(): Promise<void> } {
  const { bus, api, queues, tails, checkTail, shards, logger } = deps;
  const indexes = Array.from({ length: shards }, (_, index) => index);
  let rechecking: Promise<void> = Promise.resolve();
  let passing: Promise<void> | undefined;
  let closed = false;

  const checkDepths = async (shard: number): Promise<void> => {
    const known = tails.end(shard);
    const { messages, lastSeq } = await api.shardInfo(shard);
    tails.ended({ shard, seq: lastSeq }, known);
    // The loss may be one that an earlier check could not deal with.
    if (tails.hasLoss(shard)) void checkTail(shard);
    if (messages < TOO_DEEP) return;
    const { subjects } = await api.shardInfo(shard, { perSubject: true });
    for (const [subject, count] of Object.entries(subjects)) {
      if (count >= TOO_DEEP) await queues.void(deviceOfSubject(subject));
    }
  };
  const pass = async (): Promise<void> => {
    const failed: number[] = [];
    let lastError: unknown;
    await forEachBounded(indexes, SHARDS_AT_ONCE, async (shard) => {
      if (closed || !bus.connected) return;
      await checkDepths(shard).catch((error) => {
        failed.push(shard);
        lastError = error;
      });
    });
    if (failed.length > 0) {
      logger.warn({ err: lastError, shards: failed }, 'depths of queues not known');
    }
  };

  bus.onReconnect(() => {
    rechecking = forEachBounded(indexes, SHARDS_AT_ONCE, checkTail);
    tails.holdUntil(Promise.race([rechecking, delay(HOLD_MAX_MS, undefined, { ref: false })]));
  });
  const timer = setInterval(
    () => {
      passing ??= pass().finally(() => {
        passing = undefined;
      });
    },
    DEPTH_INTERVAL_MS + Math.random() * JITTER_MS,
  );
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await Promise.all([passing, rechecking]);
    },
  };
}
