import type { Bus, Msg } from '../../shared/bus.ts';
import type { Logger } from '../../shared/logger.ts';
import { parseDurableName } from '../../shared/subjects.ts';
import { forEachBounded } from './gate.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import { LostQueues } from './lost-queues.ts';
import type { QueueApi } from './queue-api.ts';

const ADVISORY = '$JS.EVENT.ADVISORY.CONSUMER';
/** Position of the stream in an advisory's subject; the consumer follows. */
const STREAM_TOKEN = 5;
const REFRESH_MS = 60_000;
const JITTER_MS = 10_000;
const RETRY_MS = 2_000;
const SHARDS_AT_ONCE = 8;

type Deps = {
  bus: Bus;
  api: QueueApi;
  known: KnownQueues;
  shards: number;
  signalResync: (device: Device) => void;
  logger: Logger;
};

export type QueueWatch = {
  /** Reads the names of all shards. Rejects where one could not be read. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Keeps the known queues true: advisories at once, all names each minute and after each reconnect.
 * A queue that is gone and stays gone is told to its device: a session on it is deaf.
 */
export function watchQueues(deps: Deps): QueueWatch {
  const { bus, api, known, shards, logger } = deps;
  const lost = new LostQueues({
    isBack: (device) => known.has(device),
    tell: deps.signalResync,
  });
  let running: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;
  let closed = false;

  const advisories = [
    bus.subscribe(`${ADVISORY}.CREATED.>`, (msg) => {
      const device = deviceOf(msg);
      if (device !== undefined) known.add(device);
    }),
    bus.subscribe(`${ADVISORY}.DELETED.>`, (msg) => {
      const device = deviceOf(msg);
      if (device === undefined) return;
      known.remove(device);
      lost.add(device);
    }),
  ];

  const readAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    const indexes = Array.from({ length: shards }, (_, index) => index);
    await forEachBounded(indexes, SHARDS_AT_ONCE, async (shard) => {
      known.beginRead(shard);
      const names = await readNames(api, shard).catch((error) => void failures.push(error));
      for (const device of known.endRead(shard, names ?? undefined)) lost.add(device);
    });
    if (failures.length > 0) throw failures[0];
  };
  const refresh = (): Promise<void> => {
    running ??= readAll().finally(() => {
      running = undefined;
    });
    return running;
  };
  const refreshQuietly = async (): Promise<void> => {
    if (closed || !bus.connected) return;
    await refresh().catch((error) => {
      logger.warn({ err: error }, 'queue names not read');
      if (closed) return;
      clearTimeout(again);
      again = setTimeout(refreshQuietly, RETRY_MS);
    });
  };
  bus.onReconnect(() => void refreshQuietly());
  const timer = setInterval(refreshQuietly, REFRESH_MS + Math.random() * JITTER_MS);

  return {
    refresh,
    async close() {
      closed = true;
      clearInterval(timer);
      clearTimeout(again);
      lost.close();
      if (!bus.nc.isClosed()) for (const advisory of advisories) advisory.unsubscribe();
      await Promise.allSettled([running]);
    },
  };
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
  if (!tokens[STREAM_TOKEN]?.startsWith('INBOX_')) return undefined;
  return parseDurableName(tokens[STREAM_TOKEN + 1] ?? '');
}
