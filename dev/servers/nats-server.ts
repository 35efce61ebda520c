import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { renderNatsAuth } from '../../shared/contracts/permissions.ts';
import type { ProcessSpec } from '../processes/child.ts';

/** Edges have a NATS user each; more than a machine runs costs nothing. */
const EDGE_USERS = 16;
const SERVICE_USERS = ['router', 'store', 'profiles', 'retention', 'kaha', 'setup'];
/** Of its heap, before it collects garbage; 10 000 queues live in a tenth of it. */
const NATS_BYTES_MAX = 4 * 1024 ** 3;

export type NatsPlan = {
  program: string;
  dataDir: string;
  log: string;
  port: number;
  /** Where the server answers for profiles of itself; nowhere unless given. */
  profilePort?: number;
  /** Where JetStream keeps its files; `<dataDir>/nats/jetstream` unless given. */
  storeDir?: string | undefined;
};

/**
 * A private nats-server with JetStream and the permission table, one nkey per user, kept in
 * `<dataDir>/nats/<user>.seed`. Writes its configuration; the spec starts it.
 */
export function planNats(plan: NatsPlan): { spec: ProcessSpec; seeds: Record<string, string> } {
  const dir = join(plan.dataDir, 'nats');
  mkdirSync(dir, { recursive: true });
  const seeds = readSeeds(dir);
  const storeDir = plan.storeDir ?? join(dir, 'jetstream');
  const configPath = join(dir, 'nats.conf');
  const { port, profilePort } = plan;
  writeFileSync(configPath, renderConfig({ seeds, storeDir, port, profilePort }), { mode: 0o600 });
  const spec: ProcessSpec = {
    name: 'nats',
    service: 'nats',
    command: plan.program,
    args: ['-c', configPath],
    env: {
      // It hands every piece of work to another thread where it can; on two cores one at a time
      // costs a seventh less.
      GOMAXPROCS: String(Math.max(1, Math.floor(cpus().length / 2))),
      // 10 000 queues are a heap of 0.3 GB that lives for ever: at 1000/s the default rate walks it
      // each 16 to 30 s, and p99 of a message is 23 to 28 ms instead of 18 to 22.
      GOGC: 'off',
      GOMEMLIMIT: String(Math.min(NATS_BYTES_MAX, Math.floor(totalmem() / 4))),
    },
    port,
    ...(profilePort !== undefined && { admin_port: profilePort }),
    log: plan.log,
    ready: { port },
  };
  return { spec, seeds };
}

/** Seeds by NATS user; what is missing is made. */
export function readSeeds(dir: string, edges = EDGE_USERS): Record<string, string> {
  mkdirSync(dir, { recursive: true });
  const edgeUsers = Array.from({ length: edges }, (_, index) => `edge-${index + 1}`);
  const entries = [...edgeUsers, ...SERVICE_USERS].map((user) => {
    const path = join(dir, `${user}.seed`);
    if (!existsSync(path)) {
      const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
      writeFileSync(path, `${seed}\n`, { mode: 0o600 });
    }
    return [user, readFileSync(path, 'utf8').trim()] as const;
  });
  return Object.fromEntries(entries);
}

/** The `authorization` block for the users of these seeds. */
export function authOf(seeds: Record<string, string>): string {
  const encoder = new TextEncoder();
  const keys = Object.entries(seeds).map(([user, seed]) => {
    return [user, nkeys.fromSeed(encoder.encode(seed)).getPublicKey()] as const;
  });
  return renderNatsAuth(Object.fromEntries(keys));
}

type ConfigParts = {
  seeds: Record<string, string>;
  storeDir: string;
  port: number;
  profilePort: number | undefined;
};

function renderConfig({ seeds, storeDir, port, profilePort }: ConfigParts): string {
  return [
    'host: 127.0.0.1',
    `port: ${port}`,
    // The server answers for profiles on the address of `host`, so only this machine can ask.
    ...(profilePort === undefined ? [] : [`prof_port: ${profilePort}`]),
    'max_connections: 1000',
    'max_payload: 1MB',
    // A limit of accounting: JetStream reserves what every stream may take at most.
    `jetstream { store_dir: ${JSON.stringify(storeDir)}, max_file_store: 64GB }`,
    authOf(seeds),
  ].join('\n');
}
