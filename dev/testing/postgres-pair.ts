import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { launch, type RunningProcess, stop, untilReady } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findProgram, installMissing } from '../servers/binaries.ts';
import { planPostgres, planStandby, wipePostgres } from '../servers/postgres-server.ts';
import { until } from './until.ts';

type PostgresPair = {
  /** These are the URLs of both servers, as a store gets them, for the role that owns the data. */
  urls: string;
  /** The role has this name. */
  role: string;
  /** The process of the server that takes writes at first. */
  readonly primary: RunningProcess;
  /** Runs a statement as superuser in the database of the server that takes writes. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The standby takes writes from then on. */
  promote(): Promise<void>;
  stop(): Promise<void>;
};

const READY_MS = 30_000;
const [ROLE, PASSWORD, DATABASE] = ['chat', 'chat-password', 'chat'];

/**
 * Starts a Postgres and a standby that has everything which the Postgres has acknowledged. Both end
 * with this process.
 */
export async function startPostgresPair(): Promise<PostgresPair> {
  installMissing(['postgres']);
  const program = findProgram('postgres') as string;
  const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'kaha-postgres-')));
  const ports = await freePorts(2);
  const planOf = (index: 0 | 1) => {
    const [dataDir, port] = [dirs[index] as string, ports[index] as number];
    return { program, dataDir, port, log: join(dataDir, 'pg.log') };
  };
  const first = planPostgres(planOf(0));
  const primary = launch(first.spec, { bound: true });
  await untilReady(primary, READY_MS);
  await run(first.url, `create role ${ROLE} login password '${PASSWORD}'`);
  await run(first.url, `create database ${DATABASE} owner ${ROLE}`);
  const second = planStandby({ ...planOf(1), primaryUrl: first.url });
  const standby = launch(second.spec, { bound: true });
  await untilReady(standby, READY_MS);
  await followBy(first.url);
  let writable = first.url;
  const inDatabase = (url: string): string =>
    Object.assign(new URL(url), { pathname: `/${DATABASE}` }).href;
  return {
    urls: [first, second].map(({ url }) => asRole(url)).join(','),
    role: ROLE,
    primary,
    sql: (text, values) => run(inDatabase(writable), text, values),
    async promote() {
      await run(second.url, 'select pg_promote()');
      writable = second.url;
    },
    async stop() {
      for (const server of [standby, primary]) await stop(server);
      for (const dir of dirs) {
        wipePostgres(dir);
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

/** The primary then acknowledges only what its standby has too. */
async function followBy(url: string): Promise<void> {
  await run(url, `alter system set synchronous_standby_names = '*'`);
  await run(url, 'select pg_reload_conf()');
  await until('the standby follows', async () => {
    const rows = await run(url, `select from pg_stat_replication where sync_state = 'sync'`);
    return rows.length === 1;
  });
}

function asRole(superuserUrl: string): string {
  const url = new URL(superuserUrl);
  url.username = ROLE;
  url.password = PASSWORD;
  url.pathname = `/${DATABASE}`;
  return url.href;
}

async function run<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', (error) => void error);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
