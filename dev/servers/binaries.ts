import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandOf } from '../processes/child.ts';

export type ServerName = 'nats' | 'postgres' | 'redis';

const PROGRAMS: Record<ServerName, string> = {
  nats: 'nats-server',
  postgres: 'postgres',
  redis: 'redis-server',
};
const PACKAGES: Record<ServerName, string> = {
  nats: 'nats-server',
  postgres: 'postgresql',
  redis: 'redis-server',
};

/** Servers are missing on this machine. The message says what a person can do about it. */
export class MissingServers extends Error {}

/**
 * Returns the path of the server's program, from PATH or from Debian's places, or undefined if it
 * is nowhere.
 */
export function findProgram(server: ServerName): string | undefined {
  // A `postgres` on PATH may be a link, and its companions (initdb) stand beside the real program.
  const folders = [
    ...(server === 'postgres' ? debianPostgresFolders() : []),
    ...pathFolders(PROGRAMS[server]),
  ];
  return folders.map((folder) => join(folder, PROGRAMS[server])).find(isExecutable);
}

/** Returns the servers whose program is nowhere on this machine. */
export function missingOf(servers: readonly ServerName[]): ServerName[] {
  return servers.filter((server) => findProgram(server) === undefined);
}

/** Installs missing servers with apt-get. Throws MissingServers if that is not possible. */
export function installMissing(servers: readonly ServerName[]): void {
  const missing = missingOf(servers);
  if (missing.length === 0) return;
  const names = missing.map((server) => PROGRAMS[server]).join(', ');
  const asRoot = rootPrefix();
  if (!existsSync('/usr/bin/apt-get') || asRoot === undefined) {
    throw new MissingServers(
      `Not on this machine: ${names}. Install them (Debian: ${packagesOf(missing)}), ` +
        'start a Docker engine, or give NATS_URL, DATABASE_URL and REDIS_URL.',
    );
  }
  process.stdout.write(`Installing ${names} …\n`);
  aptInstall(missing, asRoot);
  const still = missingOf(missing);
  if (still.length > 0) throw new MissingServers(`apt-get did not bring ${still.join(', ')}`);
}

/**
 * The script keeps packages from starting a server or making a cluster, because this project runs
 * private ones.
 */
const INSTALL = `set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
dropin=/etc/postgresql-common/createcluster.d/kaha-chat.conf
made=
clean() { rm -f $made; rmdir --ignore-fail-on-non-empty \${dropin%/*}; }
trap clean EXIT
if [ ! -e $policy ]; then
  made=$policy
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
mkdir -p \${dropin%/*}
made="$made $dropin"
echo 'create_main_cluster = false' > $dropin
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
`;

function aptInstall(servers: readonly ServerName[], asRoot: string[]): void {
  const packages = servers.map((server) => PACKAGES[server]);
  const { command, args } = commandOf([...asRoot, 'sh', '-c', INSTALL, 'sh', ...packages]);
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new MissingServers(`apt-get failed:\n${result.stdout}${result.stderr}`);
  }
}

/**
 * Returns [] for root, a sudo command if sudo needs no password, or undefined if there is no way.
 */
function rootPrefix(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

function packagesOf(servers: readonly ServerName[]): string {
  return servers.map((server) => PACKAGES[server]).join(' ');
}

/**
 * Returns the folders to look in. The shell knows PATH, and the others are where Debian puts
 * servers, which PATH may lack.
 */
function pathFolders(program: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  const found = stdout.trim() === '' ? [] : [dirname(stdout.trim())];
  return [...found, '/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];
}

function debianPostgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin'));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
