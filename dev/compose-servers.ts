import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerName } from './binaries.ts';
import { writeNatsAuth } from './nats-auth.ts';
import { readSecrets } from './secrets.ts';

/** Where docker-compose.yml mounts the NATS configuration from. */
const COMPOSE_DIR = '.data/compose';
const EDGE_USERS = 16;

type ComposeUrls = { natsUrl?: string; databaseUrl?: string; redisUrl?: string };

/** A client alone does not count: an engine must answer. */
export function hasDockerEngine(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
}

/** Starts them from docker-compose.yml and waits until they are healthy; the engine keeps them. */
export function startComposeServers(servers: readonly ServerName[], dataDir: string): ComposeUrls {
  writeNatsAuth(COMPOSE_DIR, EDGE_USERS);
  cpSync(COMPOSE_DIR, join(dataDir, 'nats'), { recursive: true });
  const { postgresPassword } = readSecrets(dataDir);
  const envFile = join(COMPOSE_DIR, 'servers.env');
  writeFileSync(envFile, `POSTGRES_PASSWORD=${postgresPassword}\n`, { mode: 0o600 });
  const args = ['compose', '--env-file', envFile, 'up', '--detach', '--wait', ...servers];
  const result = spawnSync('docker', args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`docker compose failed:\n${result.stderr}`);
  const urls: Record<ServerName, ComposeUrls> = {
    nats: { natsUrl: 'nats://127.0.0.1:4222' },
    postgres: { databaseUrl: `postgres://kaha:${postgresPassword}@127.0.0.1:5432/kaha_chat` },
    redis: { redisUrl: 'redis://127.0.0.1:6379' },
  };
  return Object.assign({}, ...servers.map((server) => urls[server]));
}
