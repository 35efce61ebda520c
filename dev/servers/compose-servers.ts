import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../processes/ports.ts';
import type { ServerName } from './binaries.ts';
import { writeNatsAuth } from './nats-auth.ts';
import { DEV_USERS, JETSTREAM_KEY, readJetStreamKey } from './nats-server.ts';
import { readSecrets } from './secrets.ts';

/** docker-compose.yml mounts the NATS configuration from this folder. */
const COMPOSE_DIR = '.data/compose';
/**
 * The file exists once a Docker engine has run servers for the stack. It has their password and
 * ports.
 */
const ENV_FILE = join(COMPOSE_DIR, 'servers.env');

type ComposeUrls = { natsUrl?: string; databaseUrl?: string; redisUrl?: string };

/** Tells whether a Docker engine answers. A client alone does not count. */
export function hasDockerEngine(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
}

/** Starts the servers from docker-compose.yml on free ports, and waits until they are healthy. */
export async function startComposeServers(
  servers: readonly ServerName[],
  dataDir: string,
): Promise<ComposeUrls> {
  writeNatsAuth(COMPOSE_DIR, DEV_USERS);
  const jetStreamKey = readJetStreamKey(COMPOSE_DIR);
  cpSync(COMPOSE_DIR, join(dataDir, 'nats'), { recursive: true });
  const { postgresPassword } = readSecrets(dataDir);
  const [nats, postgres, redis] = await freePorts(3);
  const lines = [
    ...[`POSTGRES_PASSWORD=${postgresPassword}`, `${JETSTREAM_KEY}=${jetStreamKey}`],
    ...[`NATS_PORT=${nats}`, `POSTGRES_PORT=${postgres}`, `REDIS_PORT=${redis}`],
  ];
  writeFileSync(ENV_FILE, `${lines.join('\n')}\n`, { mode: 0o600 });
  compose(['up', '--detach', '--wait', ...servers]);
  const urls: Record<ServerName, ComposeUrls> = {
    nats: { natsUrl: `nats://127.0.0.1:${nats}` },
    postgres: {
      databaseUrl: `postgres://kaha:${postgresPassword}@127.0.0.1:${postgres}/kaha_chat`,
    },
    redis: { redisUrl: `redis://127.0.0.1:${redis}` },
  };
  return Object.assign({}, ...servers.map((server) => urls[server]));
}

/** Stops the servers. Their data stay. */
export function stopComposeServers(servers: readonly ServerName[]): void {
  if (servers.length > 0) compose(['stop', ...servers]);
}

/** Removes the containers and data of the servers if an engine ever ran them. */
export function wipeComposeServers(): void {
  if (existsSync(ENV_FILE)) compose(['down', '--volumes']);
}

function compose(args: readonly string[]): void {
  const all = ['compose', '--env-file', ENV_FILE, ...args];
  const result = spawnSync('docker', all, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`docker compose ${args[0]} failed:\n${result.stderr ?? result.error}`);
  }
}
