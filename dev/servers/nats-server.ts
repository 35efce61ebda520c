import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { renderNatsAuth } from '../../shared/contracts/permissions.ts';
import { type NatsUserKind, USER_KINDS } from '../../shared/contracts/traffic.ts';
import type { ProcessSpec } from '../processes/child.ts';

/** Each edge and each consumer of the feed has its own NATS user. */
export type NamedUsers = { edges: number; feedConsumers: readonly string[] };

/** More users than edges cost nothing. Tests and experiments read the feed as these consumers. */
export const DEV_USERS: NamedUsers = { edges: 16, feedConsumers: ['one', 'two'] };
/** NATS reads the key of its files from this variable, so that no configuration holds it. */
export const JETSTREAM_KEY = 'JETSTREAM_KEY';
/** JetStream encrypts its files by these lines. Its other cipher, ChaCha20, is no quicker. */
export const ENCRYPTION = `  cipher: aes
  key: $${JETSTREAM_KEY}`;
/** NATS collects no garbage before its heap has this size. 10 000 queues live in a tenth of it. */
const NATS_BYTES_MAX = 4 * 1024 ** 3;

type NatsPlan = {
  program: string;
  dataDir: string;
  log: string;
  port: number;
  /** The server answers here for profiles of itself, or nowhere if no port is given. */
  profilePort?: number;
  /** JetStream keeps its files here. The default is `<dataDir>/nats/jetstream`. */
  storeDir?: string | undefined;
  /** The server works on so many threads. The default is half of the cores. */
  threads?: number | undefined;
  /** The server is one of a cluster, whose servers share `dataDir`. */
  peer?: ClusterPeer;
};

type ClusterPeer = {
  name: string;
  /** The other servers of the cluster reach this one here. */
  clusterPort: number;
  /** These are the ports of all servers for each other. */
  clusterPorts: readonly number[];
};

/**
 * Plans a private nats-server with JetStream and the permission table. Each user has an nkey, kept
 * in `<dataDir>/nats/<user>.seed`. The key of JetStream's files is kept beside them. The function
 * writes the configuration, and the spec starts the server.
 */
export function planNats(plan: NatsPlan): { spec: ProcessSpec; seeds: Record<string, string> } {
  const dir = join(plan.dataDir, 'nats');
  mkdirSync(dir, { recursive: true });
  const seeds = readSeeds(dir);
  const { port, profilePort, peer } = plan;
  const storeDir = plan.storeDir ?? join(dir, peer?.name ?? '', 'jetstream');
  const configPath = join(dir, `${peer?.name ?? 'nats'}.conf`);
  const config = renderConfig({ seeds, storeDir, port, profilePort, peer });
  writeFileSync(configPath, config, { mode: 0o600 });
  const spec: ProcessSpec = {
    name: peer?.name ?? 'nats',
    service: 'nats',
    command: plan.program,
    args: ['-c', configPath],
    env: {
      [JETSTREAM_KEY]: readJetStreamKey(dir),
      // NATS hands every piece of work to another thread if it can. On two cores, one thread at a
      // time costs a seventh less.
      GOMAXPROCS: String(plan.threads ?? Math.max(1, Math.floor(cpus().length / 2))),
      // 10 000 queues take 0.3 GB of heap, which is never garbage. At 1000 messages a second, the
      // default setting collects every 16 to 30 s, and p99 of a message is 23 to 28 ms instead of
      // 18 to 22.
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

/** Returns the seeds by NATS user, and makes those that are missing. */
export function readSeeds(dir: string, named = DEV_USERS): Record<string, string> {
  mkdirSync(dir, { recursive: true });
  const entries = USER_KINDS.flatMap((kind) => usersOf(kind, named)).map((user) => {
    const path = join(dir, `${user}.seed`);
    if (!existsSync(path)) {
      const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
      writeFileSync(path, `${seed}\n`, { mode: 0o600 });
    }
    return [user, readFileSync(path, 'utf8').trim()] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Returns the key of JetStream's files, and makes it if it is missing. A letter begins the key,
 * because NATS reads the variable as it reads a configuration, and takes `1e9…` for a number.
 */
export function readJetStreamKey(dir: string): string {
  const path = join(dir, 'jetstream.key');
  if (!existsSync(path)) {
    writeFileSync(path, `k${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  }
  const key = readFileSync(path, 'utf8').trim();
  // With an empty key NATS would encrypt nothing, and say nothing.
  if (key === '') throw new Error(`${path} is empty`);
  return key;
}

function usersOf(kind: NatsUserKind, { edges, feedConsumers }: NamedUsers): string[] {
  if (kind === 'edge') return Array.from({ length: edges }, (_, index) => `edge-${index + 1}`);
  return kind === 'feed' ? feedConsumers.map((name) => `feed-${name}`) : [kind];
}

/** Returns the `authorization` block for the users of these seeds. */
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
  peer: ClusterPeer | undefined;
};

function renderConfig(parts: ConfigParts): string {
  const { seeds, storeDir, port, profilePort, peer } = parts;
  return [
    'host: 127.0.0.1',
    `port: ${port}`,
    // The server answers for profiles on the address of `host`, so only this machine can ask.
    ...(profilePort === undefined ? [] : [`prof_port: ${profilePort}`]),
    'max_connections: 1000',
    'max_payload: 1MB',
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeDir)}`,
    // This limit is only accounting, because JetStream reserves what every stream may take at most.
    '  max_file_store: 64GB',
    ...[ENCRYPTION, '}'],
    authOf(seeds),
    ...(peer === undefined ? [] : [renderCluster(peer)]),
  ].join('\n');
}

function renderCluster({ name, clusterPort, clusterPorts }: ClusterPeer): string {
  const routes = clusterPorts.map((port) => `nats://127.0.0.1:${port}`);
  return [
    `server_name: ${name}`,
    `cluster { name: kaha, listen: "127.0.0.1:${clusterPort}", routes: ${JSON.stringify(routes)} }`,
  ].join('\n');
}
