import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, type ProcessSpec } from '../processes/child.ts';
import { asAccount, postgresAccount } from './postgres-account.ts';

type PgbouncerPlan = { program: string; dir: string; port: number; databaseUrl: string };

/** PgBouncer opens at most this many connections to Postgres. */
export const SERVER_CONNECTIONS_MAX = 4;

/**
 * Plans a PgBouncer before the database, in transaction mode and otherwise as Debian configures it.
 * It never runs as root.
 */
export function planPgbouncer(plan: PgbouncerPlan): { spec: ProcessSpec; url: string } {
  const { program, dir, port } = plan;
  const target = new URL(plan.databaseUrl);
  const url = new URL(plan.databaseUrl);
  url.host = `127.0.0.1:${port}`;
  const [config, users] = [join(dir, 'pgbouncer.ini'), join(dir, 'users.txt')];
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: users,
    pool_mode: 'transaction',
    default_pool_size: SERVER_CONNECTIONS_MAX,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const database = `* = host=${target.hostname} port=${target.port}`;
  const account = postgresAccount();
  mkdirSync(dir, { recursive: true });
  writeFileSync(config, `[databases]\n${database}\n[pgbouncer]\n${lines.join('\n')}\n`);
  writeFileSync(users, `"${target.username}" "${decodeURIComponent(target.password)}"\n`);
  if (account !== undefined) {
    for (const path of [dir, config, users]) chownSync(path, account.uid, account.gid);
  }
  const { command, args } = commandOf([...asAccount(account), program, config]);
  const spec: ProcessSpec = {
    name: 'pgbouncer',
    service: 'pgbouncer',
    command,
    args,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    port,
    log: join(dir, 'pgbouncer.log'),
    ready: { database: url.href },
    // SIGINT would wait until no transaction is open.
    stopSignal: 'SIGTERM',
  };
  return { spec, url: url.href };
}
