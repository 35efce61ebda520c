import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { redisUrl, startNats } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import type { ContactsList, ContactsPage } from '../../../shared/contracts/contacts.ts';
import type { Profiles, ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { streams, subjects } from '../../../shared/contracts/subjects.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { newId } from '../../../shared/ids.ts';
import { type Bus, connectBus } from '../../../shared/nats/bus.ts';
import { connectNats } from '../../../shared/nats/nats-connection.ts';
import { createAskProfiles } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createProfiles, type ProfilesServer } from '../profiles.ts';
import { type ScriptedKaha, startScriptedKaha } from './scripted-kaha.ts';

/** The stage waits longer than callers do, so that a busy machine answers within it. */
const TIMEOUT_MS = 5_000;
/** An edge or a router waits this long for names. */
export const CALLER_MS = 1_000;

export const SERVICE_TOKEN = 'service-token';

/**
 * The stage has a real NATS and Redis, a scripted kaha-main-v3, an edge that asks, and a store that
 * knows contacts.
 */
export type Stage = {
  kaha: ScriptedKaha;
  redis: Redis;
  edge: Bus;
  /**
   * The map holds, for the id of a user or business, the users who share a conversation with them.
   */
  contacts: Map<string, UserId[]>;
  /** Resolves once the service answers and, unless the test gives a Redis, is ready. */
  start(overrides?: { redisUrl?: string; kahaUrl?: string }): Promise<ProfilesServer>;
  /**
   * Asks as a caller does. Without `timeoutMs` a busy machine may take longer than callers wait,
   * but the answer must come within their time on a stopwatch.
   */
  get(body: ProfilesGet, timeoutMs?: number): Promise<Profiles>;
  /** Publishes an event as kaha-main-v3 does. */
  publish(subject: string, body: unknown): Promise<void>;
  stopNats(): Promise<void>;
  startNats(): Promise<void>;
  close(): Promise<void>;
};

export async function setStage(): Promise<Stage> {
  const [nats, kaha, url] = await Promise.all([startNats(), startScriptedKaha(), redisUrl()]);
  const servers: ProfilesServer[] = [];
  const addressOf = (user: string) => ({ url: nats.url, nkeySeed: nats.seeds[user] as string });
  const connectAs = (instance: string) =>
    connectBus({ ...addressOf(instance), ...depsOf(instance), instance });
  await setStream(addressOf('setup'));
  const [edge, store, source] = await Promise.all(['edge-1', 'store', 'kaha'].map(connectAs));
  const contacts = new Map<string, UserId[]>();
  serveContacts(store as Bus, contacts);
  const redis = new Redis(url);
  return {
    ...{ kaha, redis, contacts, edge: edge as Bus },
    async start(overrides = {}) {
      const config = {
        instance: 'profiles',
        nats: addressOf('profiles'),
        admin: { host: '127.0.0.1', port: 0 },
        log: { level: 'silent', hashKey: 'test' },
        redisUrl: overrides.redisUrl ?? url,
        kaha: { url: overrides.kahaUrl ?? kaha.url, serviceToken: SERVICE_TOKEN },
        webhook: { host: '127.0.0.1', port: 0 },
      };
      const server = await createProfiles(config, depsOf('profiles'));
      servers.push(server);
      await until('profiles answers', () => answers(edge as Bus));
      // A lookup before Redis is connected asks kaha-main-v3, and a test may count such calls.
      const readyz = `http://127.0.0.1:${server.adminPort}/readyz`;
      if (overrides.redisUrl === undefined)
        await until('the service is ready', async () => (await fetch(readyz)).ok);
      return server;
    },
    get: (body, timeoutMs) => getFrom(edge as Bus, body, timeoutMs),
    publish: (subject, body) => {
      const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const options = { msgId: newId<string>(), timeoutMs: TIMEOUT_MS };
      return (source as Bus).jetPublish(subject, payload, options);
    },
    stopNats: () => nats.kill(),
    startNats: () => nats.restart(),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await Promise.all([edge, store, source].map((bus) => bus?.close()));
      redis.disconnect();
      await Promise.all([nats.stop(), kaha.close()]);
    },
  };
}

async function setStream(address: { url: string; nkeySeed: string }): Promise<void> {
  const nc = await connectNats({ ...address, natsUser: 'setup', instance: 'setup' });
  const manager = await nc.jetstreamManager();
  await manager.streams.add({ name: streams.kahaEvents, subjects: [streams.kahaEventsSubjects] });
  const config = { durable_name: streams.kahaEventsDurable, ack_policy: 'explicit' };
  await manager.consumers.add(streams.kahaEvents, config as never);
  await nc.close();
}

/** A page holds two contacts, so that the tests meet several pages. */
function serveContacts(store: Bus, contacts: ReadonlyMap<string, UserId[]>): void {
  const options = { subject: subjects.store('contacts.list'), concurrencyMax: 100 };
  store.serve(options, (body): ContactsPage => {
    const request = body as ContactsList;
    const all = contacts.get('user_id' in request ? request.user_id : request.business_id) ?? [];
    const start = Number(request.cursor ?? 0);
    const end = start + 2;
    const next_cursor = end < all.length ? String(end) : null;
    return { user_ids: all.slice(start, end), next_cursor };
  });
}

async function getFrom(edge: Bus, body: ProfilesGet, timeoutMs?: number): Promise<Profiles> {
  if (timeoutMs !== undefined) return createAskProfiles(edge, timeoutMs)('get', body);
  const watch = startStopwatch();
  const answer = await createAskProfiles(edge, TIMEOUT_MS)('get', body);
  const tookMs = watch.stop();
  if (tookMs > CALLER_MS) throw new Error(`profiles took ${tookMs} ms to answer`);
  return answer;
}

type RedisProxy = {
  url: string;
  /** Counts the writes to the proxy that name a profile, frozen or not. */
  readonly lookups: number;
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
};

/**
 * The proxy stands before the real Redis and can freeze. While it is frozen, what is sent vanishes,
 * and no connection is closed.
 */
export async function startRedisProxy(): Promise<RedisProxy> {
  const target = new URL(await redisUrl());
  const sockets: Socket[] = [];
  let frozen = false;
  let lookups = 0;
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.push(socket, upstream);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (bytes.includes('profile:')) lookups += 1;
      if (!frozen) upstream.write(bytes);
    });
    upstream.on('data', (bytes) => frozen || socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}${target.search}`,
    get lookups() {
      return lookups;
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function userIds(count: number): UserId[] {
  return Array.from({ length: count }, () => newId<UserId>());
}

export function businessIds(count: number): BusinessId[] {
  return Array.from({ length: count }, () => newId<BusinessId>());
}

async function answers(edge: Bus): Promise<boolean> {
  try {
    await getFrom(edge, {});
    return true;
  } catch {
    return false;
  }
}

function depsOf(instance: string) {
  return {
    logger: createLogger({ service: 'test', instance, level: 'silent', hashKey: 'test' }),
    metrics: createMetrics('test', instance),
  };
}
