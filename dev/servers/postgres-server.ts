import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { commandOf, type ProcessSpec } from '../processes/child.ts';
import { type Account, asAccount, postgresAccount } from './postgres-account.ts';

type PostgresPlan = {
  program: string;
  dataDir: string;
  log: string;
  port: number;
  /** The default is true. Data survive kill -9 in any case. */
  survivesPowerCut?: boolean;
};

const SUPERUSER = 'kaha';
/**
 * Data survive kill -9 and power cuts, because fsync is on by default. No statement is logged, and
 * so no content.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  // Shared memory lies in the data folder and goes with it. A Postgres that is killed would leave
  // it in /dev/shm for ever.
  dynamic_shared_memory_type: 'mmap',
  jit: 'off',
  // Postgres plans for tables that were empty a moment ago as if they still were, until they are
  // analyzed. Until then the reads of a stack that was just filled take 40 times as long.
  autovacuum_naptime: '20s',
  log_statement: 'none',
  log_min_duration_statement: '-1',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

/**
 * Postgres writes to the memory of the kernel then, which brings it to the disk some time later. So
 * neither a commit waits for the disk, nor do all others while a test drops its database.
 */
const WITHOUT_DISK = { fsync: 'off', full_page_writes: 'off' };

/** Plans a private Postgres, which never runs as root. The first call makes its cluster. */
export function planPostgres(plan: PostgresPlan): { spec: ProcessSpec; url: string } {
  const account = postgresAccount();
  const dir = clusterDir(plan.dataDir, account);
  const passwordPath = join(plan.dataDir, 'postgres.password');
  if (!existsSync(join(dir, 'PG_VERSION'))) initCluster({ ...plan, dir, account, passwordPath });
  const password = readFileSync(passwordPath, 'utf8').trim();
  const { survivesPowerCut = true } = plan;
  const settings = Object.entries({ ...SETTINGS, ...(!survivesPowerCut && WITHOUT_DISK) });
  const { command, args } = commandOf([
    ...asAccount(account),
    plan.program,
    '-D',
    dir,
    '-p',
    String(plan.port),
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${plan.port}/postgres`;
  const spec: ProcessSpec = {
    name: 'postgres',
    service: 'postgres',
    command,
    args,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    port: plan.port,
    log: plan.log,
    ready: { database: url },
    // SIGINT is a fast shutdown, and SIGTERM would wait for clients to leave.
    stopSignal: 'SIGINT',
  };
  return { spec, url };
}

type CopyPlan = PostgresPlan & { primaryUrl: string };

/** Plans a standby of a Postgres that runs. The first call copies the cluster. */
export function planStandby(plan: CopyPlan) {
  return planCopy(plan, ['-R']);
}

/** Plans a Postgres on a base backup of one that runs. The first call makes the backup. */
export function planRestored(plan: CopyPlan) {
  return planCopy(plan, []);
}

function planCopy(plan: CopyPlan, options: readonly string[]) {
  const { program, dataDir, primaryUrl } = plan;
  const account = postgresAccount();
  const dir = clusterDir(dataDir, account);
  if (!existsSync(join(dir, 'PG_VERSION'))) {
    makeDirs(dir, dataDir, account);
    const password = decodeURIComponent(new URL(primaryUrl).password);
    writeFileSync(join(dataDir, 'postgres.password'), `${password}\n`, { mode: 0o600 });
    const how = ['-X', 'stream', '-c', 'fast', '--no-sync', ...options];
    const copy = ['-d', primaryUrl, '-D', dir, ...how];
    runTool(join(dirname(program), 'pg_basebackup'), copy, { dir, account });
  }
  return planPostgres(plan);
}

/** Removes the cluster if it lies outside the data folder. */
export function wipePostgres(dataDir: string): void {
  rmSync(outsideDir(dataDir), { recursive: true, force: true });
}

type Init = PostgresPlan & { dir: string; account: Account | undefined; passwordPath: string };

function initCluster({ program, dataDir, dir, account, passwordPath }: Init): void {
  makeDirs(dir, dataDir, account);
  const password = randomBytes(18).toString('base64url');
  writeFileSync(passwordPath, `${password}\n`, { mode: 0o600 });
  const pwfile = `${dir}.pw`;
  writeFileSync(pwfile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(pwfile, account.uid, account.gid);
  const how = ['--auth', 'scram-sha-256', '-E', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'];
  try {
    const args = ['-D', dir, '-U', SUPERUSER, '--pwfile', pwfile, ...how];
    runTool(join(dirname(program), 'initdb'), args, { dir, account });
  } finally {
    rmSync(pwfile, { force: true });
  }
}

/** The folder of the cluster is empty then, and belongs to the account. */
function makeDirs(dir: string, dataDir: string, account: Account | undefined): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  mkdirSync(dataDir, { recursive: true });
  if (account !== undefined) chownSync(dir, account.uid, account.gid);
}

type Cluster = { dir: string; account: Account | undefined };

/** Runs a program of Postgres that makes a cluster. If it fails, it leaves no cluster behind. */
function runTool(program: string, own: readonly string[], { dir, account }: Cluster): void {
  const { command, args } = commandOf([...asAccount(account), program, ...own]);
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: '/' });
  if (result.status === 0) return;
  rmSync(dir, { recursive: true, force: true });
  throw new Error(`${program} failed:\n${result.stdout ?? ''}${result.stderr ?? result.error}`);
}

/**
 * Returns the folder of the cluster. It is below the data folder, or in /var/tmp under a name made
 * of the path if the account of Postgres cannot reach the data folder.
 */
function clusterDir(dataDir: string, account: Account | undefined): string {
  const inside = join(dataDir, 'postgres');
  if (account === undefined) return resolve(inside);
  mkdirSync(dataDir, { recursive: true });
  const { command, args } = commandOf([...asAccount(account), 'test', '-x', resolve(dataDir)]);
  const reachable = spawnSync(command, args, { cwd: '/' }).status === 0;
  return reachable ? resolve(inside) : outsideDir(dataDir);
}

function outsideDir(dataDir: string): string {
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 12);
  return `/var/tmp/kaha-postgres-${name}`;
}
