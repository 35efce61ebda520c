import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canInstall } from '../programs/apt.ts';
import { findOnPath } from '../programs/find-on-path.ts';

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
  const first = server === 'postgres' ? debianPostgresFolders() : [];
  return findOnPath(PROGRAMS[server], first);
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
  if (!canInstall()) {
    throw new MissingServers(
      `Not on this machine: ${names}. Install them (Debian: ${packagesOf(missing)}), ` +
        'start a Docker engine, or give NATS_URL, DATABASE_URL and REDIS_URL.',
    );
  }
  process.stdout.write(`Installing ${names} …\n`);
  try {
    aptInstall(missing.map((server) => PACKAGES[server]));
  } catch (error) {
    throw new MissingServers((error as Error).message, { cause: error });
  }
  const still = missingOf(missing);
  if (still.length > 0) throw new MissingServers(`apt-get did not bring ${still.join(', ')}`);
}

function packagesOf(servers: readonly ServerName[]): string {
  return servers.map((server) => PACKAGES[server]).join(' ');
}

function debianPostgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin'));
}
