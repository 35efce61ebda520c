import { join } from 'node:path';
import pg from 'pg';
import type { ProcessSpec } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import {
  findProgram,
  installMissing,
  MissingServers,
  missingOf,
  type ServerName,
} from './binaries.ts';
import { hasDockerEngine, startComposeServers } from './compose-servers.ts';
import { planNats, readSeeds } from './nats-server.ts';
import { planPostgres } from './postgres-server.ts';
import { planRedis } from './redis-server.ts';

type ServersOptions = {
  runDir: string;
  dataDir: string;
  natsUrl?: string;
  /** JetStream keeps its files here instead of below `dataDir`. */
  natsStoreDir?: string | undefined;
  /** The private NATS works on so many threads. */
  natsThreads?: number | undefined;
  databaseUrl?: string;
  redisUrl?: string;
  /** The private Postgres does or does not, see `postgres-server.ts`. The default is true. */
  survivesPowerCut?: boolean;
};

type ServersPlan = {
  /** The stack starts these processes itself. */
  specs: ProcessSpec[];
  /** A Docker engine runs these servers for the stack. */
  composed: ServerName[];
  nats: string;
  seeds: Record<string, string>;
  redis: string;
  /** Makes sure that the database exists. The servers must run. */
  database(): Promise<string>;
};

const DATABASE = 'kaha_chat';

/**
 * Plans the servers. Those that are given are used, and the others are found or installed and run
 * as private ones.
 */
export async function planServers(options: ServersOptions): Promise<ServersPlan> {
  const { dataDir } = options;
  const { composed, urls } = await withMissing(options);
  const { natsUrl, databaseUrl, redisUrl } = urls;
  const own = notGiven(urls);
  const [profilePort, ...ports] = (await freePorts(own.length + 1)) as [number, ...number[]];
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
    const { natsStoreDir: storeDir, natsThreads: threads } = options;
    const plan = planNats({ ...planOf('nats'), profilePort, storeDir, threads });
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
    const { survivesPowerCut = true } = options;
    const plan = planPostgres({ ...planOf('postgres'), survivesPowerCut });
    specs.push(plan.spec);
    server = plan.url;
  }
  const database = () =>
    server === undefined ? Promise.resolve(databaseUrl as string) : ensureDatabase(server);
  return { specs, composed, nats, seeds, redis, database };
}

type Urls = Pick<ServersOptions, 'natsUrl' | 'databaseUrl' | 'redisUrl'>;

/** Installs the servers that this machine lacks, or else has a Docker engine run them. */
async function withMissing(
  options: ServersOptions,
): Promise<{ composed: ServerName[]; urls: Urls }> {
  const wanted = notGiven(options);
  try {
    installMissing(wanted);
    return { composed: [], urls: options };
  } catch (error) {
    if (!(error instanceof MissingServers) || !hasDockerEngine()) throw error;
    const composed = missingOf(wanted);
    const started = await startComposeServers(composed, options.dataDir);
    return { composed, urls: { ...started, ...definedOnly(options) } };
  }
}

function notGiven({ natsUrl, databaseUrl, redisUrl }: Urls): ServerName[] {
  const given = { nats: natsUrl, postgres: databaseUrl, redis: redisUrl };
  return (Object.keys(given) as ServerName[]).filter((name) => given[name] === undefined);
}

function definedOnly(options: ServersOptions): Partial<ServersOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function ensureDatabase(server: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
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
