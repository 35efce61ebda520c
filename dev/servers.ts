import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { canInstall, findProgram, installMissing, missingOf, type ServerName } from './binaries.ts';
import type { ProcessSpec } from './child.ts';
import { hasDockerEngine, startComposeServers } from './compose-servers.ts';
import { planNats, readSeeds } from './nats-server.ts';
import { freePorts } from './ports.ts';
import { planPostgres } from './postgres-server.ts';
import { planRedis } from './redis-server.ts';

export type ServersOptions = {
  runDir: string;
  dataDir: string;
  natsUrl?: string;
  databaseUrl?: string;
  redisUrl?: string;
};

export type ServersPlan = {
  /** What we start ourselves. */
  specs: ProcessSpec[];
  nats: string;
  seeds: Record<string, string>;
  redis: string;
  /** Once they run: makes sure that the database is there. */
  database(): Promise<string>;
};

const DATABASE = 'kaha_chat';
const CONNECT_TRIES = 100;
const CONNECT_RETRY_MS = 100;

/** Given servers are used; the others are found or installed, and planned as private ones. */
export async function planServers(options: ServersOptions): Promise<ServersPlan> {
  const { dataDir } = options;
  const { natsUrl, databaseUrl, redisUrl } = withCompose(options);
  const given = { nats: natsUrl, postgres: databaseUrl, redis: redisUrl };
  const own = (Object.keys(given) as ServerName[]).filter((name) => given[name] === undefined);
  installMissing(own);
  const ports = await freePorts(own.length);
  const specs: ProcessSpec[] = [];
  const planOf = (server: ServerName) => ({
    program: findProgram(server) as string,
    dataDir,
    log: join(options.runDir, `${server}.log`),
    port: ports.pop() as number,
  });
  let seeds: Record<string, string>;
  let nats = natsUrl;
  if (nats === undefined) {
    const plan = planNats(planOf('nats'));
    specs.push(plan.spec);
    seeds = plan.seeds;
    nats = `nats://127.0.0.1:${plan.spec.port}`;
  } else {
    seeds = readSeeds(join(dataDir, 'nats'));
  }
  let redis = redisUrl;
  if (redis === undefined) {
    const plan = planRedis(planOf('redis'));
    specs.push(plan.spec);
    redis = plan.url;
  }
  let server: string | undefined;
  if (databaseUrl === undefined) {
    const plan = planPostgres(planOf('postgres'));
    specs.push(plan.spec);
    server = plan.url;
  }
  const database = () =>
    server === undefined ? Promise.resolve(databaseUrl as string) : ensureDatabase(server);
  return { specs, nats, seeds, redis, database };
}

/** Where programs are missing and cannot be installed, a Docker engine runs those servers. */
function withCompose(options: ServersOptions): Partial<ServersOptions> {
  const { natsUrl, databaseUrl, redisUrl, dataDir } = options;
  const given = { nats: natsUrl, postgres: databaseUrl, redis: redisUrl };
  const wanted = (Object.keys(given) as ServerName[]).filter((name) => given[name] === undefined);
  const missing = missingOf(wanted);
  if (missing.length === 0 || canInstall() || !hasDockerEngine()) return options;
  return { ...startComposeServers(missing, dataDir), ...definedOnly(options) };
}

function definedOnly(options: ServersOptions): Partial<ServersOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function ensureDatabase(server: string): Promise<string> {
  const client = await connectWhenUp(server);
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${DATABASE}`;
  return url.href;
}

/** A Postgres that accepts may still be recovering. */
async function connectWhenUp(url: string): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries === CONNECT_TRIES) throw error;
      await delay(CONNECT_RETRY_MS);
    }
  }
}
