import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { newId } from '../../shared/ids.ts';
import {
  launch,
  type ProcessSpec,
  type RunningProcess,
  sendSignal,
  stop,
  untilReady,
} from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findProgram, installMissing, type ServerName } from '../servers/binaries.ts';
import { planNats } from '../servers/nats-server.ts';
import { planPostgres, wipePostgres } from '../servers/postgres-server.ts';
import { planRedis } from '../servers/redis-server.ts';

/**
 * This file gives real servers to test files. `npm test` shares one Postgres and one Redis by
 * TEST_DATABASE_URL and TEST_REDIS_URL, and one stack by TEST_STACK_DIR. New databases are copies
 * of TEST_DATABASE_TEMPLATE. A file that is run alone starts private servers, which end with its
 * process. Only this file and the entry points read the environment.
 */
const { TEST_DATABASE_URL, TEST_REDIS_URL, TEST_DATABASE_TEMPLATE, TEST_STACK_DIR } = process.env;
const { SOAK, ROUNDS, SEED } = process.env;
/** `npm run soak` sets it, and then tests that have doses give the full dose. */
export const isSoak = SOAK === '1';
/** Tests that act at random in rounds have this many of them where `ROUNDS` is set. */
export const roundsWanted = ROUNDS === undefined ? undefined : Number(ROUNDS);
/** Tests that act at random do again what they did with the seed that they printed then. */
export const seedWanted = SEED === undefined ? undefined : Number(SEED);
/** `npm test` sets the folder of the stack that files share. */
export const commonStackDir = TEST_STACK_DIR;
const READY_MS = 20_000;

export type TestNats = {
  url: string;
  seeds: Record<string, string>;
  /** The server keeps its data here. Some tests damage it. */
  dataDir: string;
  readonly pid: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts a private nats-server with the permission table on a free port. */
export async function startNats(): Promise<TestNats> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaha-nats-'));
  const [port] = (await freePorts(1)) as [number];
  const program = programOf('nats');
  const { spec, seeds } = planNats({ program, dataDir, log: join(dataDir, 'nats.log'), port });
  let running = await start(spec);
  return {
    url: `nats://127.0.0.1:${port}`,
    seeds,
    dataDir,
    get pid() {
      return running.pid;
    },
    async kill(signal = 'SIGKILL') {
      sendSignal(running, signal);
      await stop(running);
    },
    async restart() {
      await stop(running);
      running = await start(spec);
    },
    async stop() {
      await stop(running);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

type TestRedis = {
  url: string;
  /** Sends a signal. SIGKILL resolves once the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts an empty Redis on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts a private Redis on a free port, for a test that takes it away or needs a cluster. */
export async function startRedis({ isCluster = false } = {}): Promise<TestRedis> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaha-redis-'));
  const [port, clusterPort] = (await freePorts(2)) as [number, number];
  const place = { program: programOf('redis'), dataDir, log: join(dataDir, 'redis.log'), port };
  const { spec, url } = planRedis({ ...place, ...(isCluster && { clusterPort }) });
  let running = await start(spec);
  return {
    url,
    async kill(signal = 'SIGKILL') {
      sendSignal(running, signal);
      if (signal === 'SIGKILL') await stop(running);
    },
    async restart() {
      await stop(running);
      running = await start(spec);
    },
    async stop() {
      await stop(running);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

type TestDatabase = { url: string; drop(): Promise<void> };

const keyPrefix = `${newId<string>()}:`;
const own: { postgres?: Promise<string>; redis?: Promise<string> } = {};

/**
 * Creates a new database without rows. It may have the schema already, which saves a second, so
 * that a migration finds nothing to do. With `isEmpty` it has no schema.
 */
export async function createDatabase({ isEmpty = false } = {}): Promise<TestDatabase> {
  if (TEST_DATABASE_URL === undefined) own.postgres ??= startOwnPostgres();
  const server = TEST_DATABASE_URL ?? ((await own.postgres) as string);
  const name = `t_${newId<string>().replaceAll('-', '')}`;
  const template = isEmpty ? undefined : TEST_DATABASE_TEMPLATE;
  const how = template === undefined ? '' : ` TEMPLATE ${template}`;
  await execute(server, `CREATE DATABASE ${name}${how}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/**
 * Resolves with the URL of a Redis that tests share. Each process has its own keys, as each system
 * must have.
 */
export async function redisUrl(): Promise<string> {
  if (TEST_REDIS_URL === undefined) own.redis ??= startOwnRedis();
  const url = new URL(TEST_REDIS_URL ?? ((await own.redis) as string));
  url.searchParams.set('keyPrefix', keyPrefix);
  return url.href;
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function startOwnPostgres(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaha-postgres-'));
  const [port] = (await freePorts(1)) as [number];
  const program = programOf('postgres');
  const { spec, url } = planPostgres({ program, dataDir, log: join(dataDir, 'pg.log'), port });
  await startUntilExit(spec, () => {
    wipePostgres(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  });
  return url;
}

async function startOwnRedis(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaha-redis-'));
  const [port] = (await freePorts(1)) as [number];
  const program = programOf('redis');
  const { spec, url } = planRedis({ program, dataDir, log: join(dataDir, 'redis.log'), port });
  await startUntilExit(spec, () => rmSync(dataDir, { recursive: true, force: true }));
  return url;
}

/** Starts a server that ends with this process, however that ends. */
async function start(spec: ProcessSpec): Promise<RunningProcess> {
  const running = launch(spec, { bound: true });
  await untilReady(running, READY_MS);
  return running;
}

async function startUntilExit(spec: ProcessSpec, wipe: () => void): Promise<void> {
  const running = await start(spec);
  process.once('exit', () => {
    sendSignal(running, 'SIGKILL');
    wipe();
  });
}

function programOf(server: ServerName): string {
  installMissing([server]);
  return findProgram(server) as string;
}
