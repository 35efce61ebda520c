import { setTimeout as delay } from 'node:timers/promises';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import {
  consumerAdvisory,
  parseQueueName,
  shardOfStream,
  subjects,
} from '../../../shared/contracts/subjects.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import { LostQueues } from './lost-queues.ts';
import type { QueueApi } from './queue-api.ts';

/** The stream is at this index of an advisory's subject, and the consumer follows the stream. */
const STREAM_TOKEN = 5;
const REFRESH_MS = 60_000;
const JITTER_MS = 10_000;
const RETRY_MS = 2_000;
const SHARDS_AT_ONCE = 8;
/**
 * JetStream tells of a deletion shortly before the queue is gone. A router that still finds the
 * queue looks again after this time.
 */
const DELETED_MS = 500;

type Deps = {
  bus: Bus;
  /** Voids a queue that may be incomplete. */
  voidQueue: (device: Device) => Promise<void>;
  api: QueueApi;
  known: KnownQueues;
  shards: number;
  signalResync: (device: Device) => void;
  logger: Logger;
};

export type QueueWatch = {
  /**
   * Tells whether the router knows every queue. After a reconnect it does not, until it has read
   * the names again.
   */
  isCurrent(): boolean;
  /** Reads the names of all shards. Rejects if one shard could not be read. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Keeps the known queues true: advisories tell of changes at once, and the router reads all names
 * about each minute and after each reconnect. If a queue is gone and stays gone, its device is
 * told at once, before its edge asks.
 */
export function watchQueues(deps: Deps): QueueWatch {
  const { bus, known, shards, logger } = deps;
  const lost = new LostQueues({
    isBack: (device) => known.has(device),
    tell: deps.signalResync,
  });
  let running: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;
  let closed = false;

  const subscriptions = hearOfQueues({ ...deps, lost });

  /** Counts connections to NATS. `readOn` is the connection on which all names were read. */
  let connection = 1;
  let readOn = 0;
  const isCurrent = (): boolean => readOn === connection;
  const readAll = async (): Promise<void> => {
    const began = connection;
    const failures: unknown[] = [];
    const indexes = Array.from({ length: shards }, (_, index) => index);
    await forEachBounded(indexes, SHARDS_AT_ONCE, (shard) =>
      readShard(shard, { ...deps, lost, isCurrent }).catch((error) => void failures.push(error)),
    );
    if (failures.length > 0) throw failures[0];
    // Nobody told this router of queues made while it was away, so a read counts only for the
    // connection on which it began.
    readOn = began;
  };
  const refresh = (): Promise<void> => {
    running ??= readAll().finally(() => {
      running = undefined;
    });
    return running;
  };
  const refreshQuietly = async (): Promise<void> => {
    if (closed || !bus.connected) return;
    const isRead = await refresh().then(
      () => true,
      (error) => {
        logger.warn({ err: error }, 'queue names not read');
        return false;
      },
    );
    // The names may have been read on the connection before.
    if (closed || isCurrent()) return;
    clearTimeout(again);
    again = setTimeout(refreshQuietly, isRead ? 0 : RETRY_MS);
  };
  bus.onReconnect(() => {
    connection += 1;
    void refreshQuietly();
  });
  const timer = setInterval(refreshQuietly, REFRESH_MS + Math.random() * JITTER_MS);

  return {
    isCurrent,
    refresh,
    async close() {
      closed = true;
      clearInterval(timer);
      clearTimeout(again);
      lost.close();
      if (!bus.nc.isClosed()) for (const one of subscriptions) one.unsubscribe();
      await Promise.allSettled([running]);
    },
  };
}

type Reading = Pick<Deps, 'api' | 'known' | 'voidQueue' | 'logger'> & {
  lost: Pick<LostQueues, 'add'>;
  isCurrent: () => boolean;
};

/**
 * Reads the names of all queues of one shard into `known`. Queues that have vanished become lost. A
 * queue that nobody announced is voided, unless the router had been away before this read. Rejects
 * if the names cannot be read, and then leaves `known` as it was.
 */
export async function readShard(shard: number, reading: Reading): Promise<void> {
  const { api, known, lost, isCurrent, voidQueue, logger } = reading;
  known.beginRead(shard);
  const wasCurrent = isCurrent();
  const names = await readNames(api, shard);
  const gone: Device[] = [];
  for (const device of known.missing(shard, names)) {
    // A queue that went while the pages were read moves another name off the pages.
    if ((await api.info(device)) === undefined) gone.push(device);
  }
  const { appeared, vanished } = known.endRead(shard, names, gone);
  for (const device of vanished) lost.add(device);
  if (!wasCurrent) return;
  for (const device of appeared) {
    // Events went to the user's other devices alone, so this queue may have missed them.
    const about = { device: device.deviceId, user: device.userId };
    logger.warn(about, 'queue unheard of');
    await voidQueue(device).catch((error) => {
      // The next read finds the queue again.
      known.remove(device);
      logger.warn({ ...about, err: error }, 'queue not voided');
    });
  }
}

/** Hears of queues that come and go while the router is connected. */
function hearOfQueues({ bus, api, known, lost, logger }: Deps & { lost: LostQueues }) {
  const look = async (device: Device, deletedAtMs: number): Promise<void> => {
    known.doubt(device);
    // A new queue of the device may have been made before the advisory came.
    let info = await api.info(device);
    if (info !== undefined && Date.parse(info.created) <= deletedAtMs) {
      await delay(DELETED_MS);
      if (!known.isDoubted(device)) return;
      info = await api.info(device);
    }
    if (!known.isDoubted(device)) return;
    if (info !== undefined) {
      known.add(device);
    } else {
      known.remove(device);
      lost.add(device);
    }
  };
  return [
    bus.subscribe(subjects.queuesMade, (msg) => {
      const device = parseQueueName(msg.string());
      if (device !== undefined) known.expect(device);
    }),
    bus.subscribe(consumerAdvisory('CREATED'), (msg) => {
      const device = deviceOf(msg);
      if (device !== undefined) known.add(device);
    }),
    bus.subscribe(consumerAdvisory('DELETED'), (msg) => {
      const device = deviceOf(msg);
      if (device === undefined || !known.has(device)) return;
      const { timestamp } = parseJson(msg.data) as { timestamp: string };
      look(device, Date.parse(timestamp)).catch((error) => {
        logger.warn({ err: error }, 'deleted queue not looked for');
        // Its session is told to start anew unless the queue turns out to exist meanwhile.
        if (known.isDoubted(device)) lost.add(device);
      });
    }),
  ];
}

async function readNames(api: QueueApi, shard: number): Promise<Set<string>> {
  const names = new Set<string>();
  for (let offset = 0; ; ) {
    const page = await api.names(shard, offset);
    for (const name of page.names) names.add(name);
    offset += page.names.length;
    if (page.names.length === 0 || offset >= page.total) return names;
  }
}

function deviceOf(msg: Msg): Device | undefined {
  const tokens = msg.subject.split('.');
  if (shardOfStream(tokens[STREAM_TOKEN] ?? '') === undefined) return undefined;
  return parseQueueName(tokens[STREAM_TOKEN + 1] ?? '');
}
