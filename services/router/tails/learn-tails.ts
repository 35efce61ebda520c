import { setTimeout as delay } from 'node:timers/promises';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { QueueApi } from '../queues/queue-api.ts';
import type { ShardTails } from './shard-tails.ts';
import type { TailSignals } from './tail-signals.ts';

/** Other routers answer in milliseconds, if there are any. */
const ASK_MS = 250;
/** A router that is alone lets publishes wait at most this long while it reads the queues. */
const HOLD_MAX_MS = 3_000;
const SHARDS_AT_ONCE = 8;

type Deps = {
  api: Pick<QueueApi, 'reached'>;
  tails: ShardTails;
  signals: Pick<TailSignals, 'ask' | 'informed' | 'isInformed' | 'noteInformed'>;
  shards: number;
  /** Checks a shard. It must not reject. */
  checkTail: (shard: number) => Promise<void>;
  now: () => number;
  logger: Logger;
};

/**
 * Learns which ends the shards had before this router started: from the other routers, or else from
 * how far the queues are. A queue that stands above the end of its shard proves that the shard has
 * lost its tail. Resolves once publishes may begin.
 */
export async function learnTails(deps: Deps): Promise<void> {
  const { signals, tails, logger } = deps;
  signals.ask();
  await Promise.race([signals.informed, delay(ASK_MS, undefined, { ref: false })]);
  if (signals.isInformed) return;
  const read = readQueues(deps).then(
    () => signals.noteInformed(),
    (error) => logger.warn({ err: error }, 'ends of streams not known'),
  );
  tails.holdUntil(Promise.race([read, delay(HOLD_MAX_MS, undefined, { ref: false })]));
}

async function readQueues({ api, tails, shards, checkTail, now, signals }: Deps): Promise<void> {
  const indexes = Array.from({ length: shards }, (_, index) => index);
  await forEachBounded(indexes, SHARDS_AT_ONCE, async (shard) => {
    if (signals.isInformed) return;
    const reached = await api.reached(shard);
    const seq = reached.reduce((highest, one) => Math.max(highest, one.seq), 0);
    tails.told([{ shard, seq, at: now() }]);
    await checkTail(shard);
  });
}
