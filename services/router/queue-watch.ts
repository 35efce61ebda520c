import type { Bus, Msg } from '../../shared/bus.ts';
import type { Logger } from '../../shared/logger.ts';
import { durableName, parseDurableName } from '../../shared/subjects.ts';
import { forEachBounded } from './gate.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import type { QueueApi } from './queue-api.ts';

const ADVISORY = '$JS.EVENT.ADVISORY.CONSUMER';
/** Position of the stream in an advisory's subject; the consumer follows. */
const STREAM_TOKEN = 5;
const REFRESH_MS = 60_000;
const JITTER_MS = 10_000;
const SHARDS_AT_ONCE = 8;
/**
 * One that is deleted to be made anew is back well before the first; else its session is told, and
 * told again as long as the queue is not back: its edge may just be connecting anew itself.
 */
const TELL_AFTER_MS = [1_500, 5_000, 20_000, 60_000];
const JITTER_SHARE = 0.5;
const TICK_MS = 250;
/** More leave in one go only when nobody is there (expiry); the next refresh knows no less. */
const GONE_MAX = 50_000;

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
  const gone = new Map<string, Gone>();
  let running: Promise<void> | undefined;
  let closed = false;

  const lost = (device: Device): void => {
    if (gone.size >= GONE_MAX) return;
    const name = durableName(device.userId, device.deviceId);
    gone.set(name, { device, told: 0, dueAt: dueAt(0) });
  };
  const tick = setInterval(() => {
    const now = Date.now();
    for (const [name, entry] of gone) {
      if (entry.dueAt > now) continue;
      const isBack = known.has(entry.device);
      if (!isBack) deps.signalResync(entry.device);
      entry.told += 1;
      entry.dueAt = dueAt(entry.told);
      if (isBack || entry.told >= TELL_AFTER_MS.length) gone.delete(name);
    }
  }, TICK_MS);

  const advisories = [
    bus.subscribe(`${ADVISORY}.CREATED.>`, (msg) => {
      const device = deviceOf(msg);
      if (device !== undefined) known.add(device);
    }),
    bus.subscribe(`${ADVISORY}.DELETED.>`, (msg) => {
      const device = deviceOf(msg);
      if (device === undefined) return;
      known.remove(device);
      lost(device);
    }),
  ];

  const readAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    const indexes = Array.from({ length: shards }, (_, index) => index);
    await forEachBounded(indexes, SHARDS_AT_ONCE, async (shard) => {
      known.beginRead(shard);
      const names = await readNames(api, shard).catch((error) => void failures.push(error));
      for (const device of known.endRead(shard, names ?? undefined)) lost(device);
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
    await refresh().catch((error) => logger.warn({ err: error }, 'queue names not read'));
  };
  bus.onReconnect(() => void refreshQuietly());
  const timer = setInterval(refreshQuietly, REFRESH_MS + Math.random() * JITTER_MS);

  return {
    refresh,
    async close() {
      closed = true;
      clearInterval(timer);
      clearInterval(tick);
      if (!bus.nc.isClosed()) for (const advisory of advisories) advisory.unsubscribe();
      await Promise.allSettled([running]);
    },
  };
}

type Gone = { device: Device; told: number; dueAt: number };

function dueAt(told: number): number {
  const afterMs = TELL_AFTER_MS[told] ?? 0;
  return Date.now() + afterMs * (1 + Math.random() * JITTER_SHARE);
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
