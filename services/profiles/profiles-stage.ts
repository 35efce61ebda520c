import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { redisUrl, startNats } from '../../dev/test-servers.ts';
import { type Bus, connectBus } from '../../shared/bus.ts';
import type { BusinessId, UserId } from '../../shared/ids.ts';
import { newId } from '../../shared/ids.ts';
import { createLogger } from '../../shared/logger.ts';
import { createMetrics } from '../../shared/metrics.ts';
import type { Profiles, ProfilesGet } from '../../shared/rpc.ts';
import { createProfiles, type ProfilesServer } from './profiles.ts';
import { type ScriptedKaha, startScriptedKaha } from './scripted-kaha-stage.ts';

const TIMEOUT_MS = 1_000;
const POLL_MS = 20;

/** Real NATS and Redis, a scripted kaha-main-v3, and an edge that asks. */
export type Stage = {
  kaha: ScriptedKaha;
  start(overrides?: { redisUrl?: string; kahaUrl?: string }): Promise<ProfilesServer>;
  /** As a caller does: within 1 s. */
  get(body: ProfilesGet): Promise<Profiles>;
  close(): Promise<void>;
};

export async function setStage(): Promise<Stage> {
  const [nats, kaha, redis] = await Promise.all([startNats(), startScriptedKaha(), redisUrl()]);
  const servers: ProfilesServer[] = [];
  const addressOf = (user: string) => ({ url: nats.url, nkeySeed: nats.seeds[user] as string });
  const edge: Bus = await connectBus({
    ...addressOf('edge-1'),
    ...depsOf('edge-1'),
    instance: 'edge-1',
  });
  return {
    kaha,
    async start(overrides = {}) {
      const config = {
        instance: 'profiles',
        nats: addressOf('profiles'),
        admin: { host: '127.0.0.1', port: 0 },
        log: { level: 'silent', hashKey: 'test' },
        redisUrl: overrides.redisUrl ?? redis,
        kaha: { url: overrides.kahaUrl ?? kaha.url, serviceToken: 'service-token' },
      };
      const server = await createProfiles(config, depsOf('profiles'));
      servers.push(server);
      await untilTrue(() => answers(edge));
      return server;
    },
    get: (body) => edge.request<Profiles>('rpc.profiles.get', body, { timeoutMs: TIMEOUT_MS }),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await edge.close();
      await Promise.all([nats.stop(), kaha.close()]);
    },
  };
}

export type RedisProxy = { url: string; freeze(): void; close(): Promise<void> };

/** The real Redis behind a connection that can freeze: what is sent vanishes, nothing is closed. */
export async function startRedisProxy(): Promise<RedisProxy> {
  const target = new URL(await redisUrl());
  const sockets: Socket[] = [];
  let frozen = false;
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.push(socket, upstream);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.on('data', (bytes) => frozen || upstream.write(bytes));
    upstream.on('data', (bytes) => frozen || socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze() {
      frozen = true;
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

export async function untilTrue(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

async function answers(edge: Bus): Promise<boolean> {
  try {
    await edge.request('rpc.profiles.get', {}, { timeoutMs: TIMEOUT_MS });
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
