import { setTimeout as delay } from 'node:timers/promises';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { DeviceQueues } from './device-queues.ts';
import type { KnownQueues } from './known-queues.ts';
import { type QueueApi, userOfSubject } from './queue-api.ts';
import { concernedBy, TOO_DEEP } from './queue-verdict.ts';
import type { QueueWatch } from './queue-watch.ts';
import type { ShardTails } from './shard-tails.ts';

const DEPTH_INTERVAL_MS = 15_000;
const JITTER_MS = 5_000;
const SHARDS_AT_ONCE = 8;
const USERS_AT_ONCE = 16;
/** After a reconnect, publishes wait at most this long for the check of the tails. */
const HOLD_MAX_MS = 3_000;
const TAIL_TRIES = 5;
const RETRY_DELAY_MS = 1_000;

type Deps = {
  bus: Bus;
  api: QueueApi;
  known: KnownQueues;
  /** Reads the names of the queues, if `known` does not have them all. */
  names: Pick<QueueWatch, 'isCurrent' | 'refresh'>;
  queues: DeviceQueues;
  tails: ShardTails;
  shards: number;
  logger: Logger;
};

type QueueHealth = {
  /** Checks a shard that acknowledged a sequence number it had given before. */
  tailLost(shard: number): void;
  close(): Promise<void>;
};

/**
 * Finds queues that may be incomplete, or are nearly full, and voids them. To find full ones, every
 * 15 to 20 s the router asks for one stream info a shard, and for the counts of each user only if
 * the shard holds as many messages as make one user's subject too deep. A NATS server that came
 * back may have lost a part of a queue: the router checks this after each reconnect, and publishes
 * wait for the check, at most 3 s.
 */
export function watchHealth(deps: Deps): QueueHealth {
  const { bus, api, queues, shards, logger } = deps;
  const indexes = Array.from({ length: shards }, (_, index) => index);
  const checking = new Set<number>();
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  const quietly = async (what: string, task: () => Promise<void>): Promise<void> => {
    if (closed || !bus.connected) return;
    await task().catch((error) => logger.warn({ err: error, what }, 'queues not checked'));
  };
  const checkDepths = async (shard: number): Promise<void> => {
    const { messages } = await api.shardInfo(shard);
    if (messages < TOO_DEEP) return;
    const { subjects } = await api.shardInfo(shard, { perSubject: true });
    for (const [subject, count] of Object.entries(subjects)) {
      if (count >= TOO_DEEP) await queues.voidDeep(userOfSubject(subject));
    }
  };
  const checkTail = async (shard: number): Promise<void> => {
    if (checking.has(shard)) return;
    checking.add(shard);
    try {
      do await surely(() => checkTailOf(shard, deps));
      while (Number.isFinite(deps.tails.givenAgain(shard)));
    } finally {
      checking.delete(shard);
    }
  };
  const overShards = (what: string, task: (shard: number) => Promise<void>): Promise<void> =>
    forEachBounded(indexes, SHARDS_AT_ONCE, (shard) => quietly(what, () => task(shard)));

  bus.onReconnect(() => {
    running = overShards('tail', checkTail);
    deps.tails.holdUntil(Promise.race([running, delay(HOLD_MAX_MS, undefined, { ref: false })]));
  });
  const timer = setInterval(
    () => {
      running = overShards('depth', checkDepths);
    },
    DEPTH_INTERVAL_MS + Math.random() * JITTER_MS,
  );
  return {
    tailLost: (shard) => void quietly('tail', () => checkTail(shard)),
    async close() {
      closed = true;
      clearInterval(timer);
      await running;
    },
  };
}

async function surely(task: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      if (tries >= TAIL_TRIES) throw error;
      await delay(RETRY_DELAY_MS);
    }
  }
}

/**
 * Compares the stream's end with the sequence numbers it had acknowledged and with how far its
 * consumers are, and voids the queues concerned.
 */
async function checkTailOf(shard: number, deps: Deps): Promise<void> {
  const { api, known, names, queues, tails, logger } = deps;
  // NATS may have come back with a queue that this router had deleted. Such a queue is incomplete
  // too, and the router has to know of it before it voids the queues of the users concerned.
  while (!names.isCurrent()) await names.refresh();
  const { lastSeq } = await api.shardInfo(shard);
  const recent = tails.recent.of(shard);
  // What is in the stream from a number that was given again on came after the loss.
  const keptSeq = Math.min(lastSeq, tails.givenAgain(shard) - 1);
  const concerned = concernedBy({ lastSeq: keptSeq, acknowledged: tails.lastSeq(shard), recent });
  tails.reset(shard, lastSeq);
  const lost = concerned.lost === 'all' ? known.usersOf(shard) : concerned.lost;
  if (lost.length > 0) logger.warn({ shard, lastSeq, users: lost.length }, 'stream lost its tail');
  await forEachBounded(lost, USERS_AT_ONCE, (userId) => queues.voidUser(userId));
  await forEachBounded(concerned.suspect, USERS_AT_ONCE, (userId) => checkUser(userId, lastSeq));

  async function checkUser(userId: UserId, streamEnd: number): Promise<void> {
    for (const deviceId of known.devicesOf(userId)) {
      const info = await api.info({ userId, deviceId });
      const reached = Math.max(info?.delivered.stream_seq ?? 0, info?.ack_floor.stream_seq ?? 0);
      if (reached > streamEnd) await queues.void({ userId, deviceId });
    }
  }
}
