import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, type RunningProcess, sendSignal, stop, untilReady } from './child.ts';
import { freePorts } from './ports.ts';
import { readSecrets } from './secrets.ts';
import { planServers } from './servers.ts';
import {
  commandEnv,
  kahaSpec,
  type Places,
  type ServiceName,
  serviceSpec,
} from './service-specs.ts';
import { removeStackFile, type StackRecord, type Urls, writeStackFile } from './stack-file.ts';

export type StackOptions = {
  /** Logs and `stack.json`. */
  runDir: string;
  /** Servers' data, keys and secrets. */
  dataDir: string;
  edges: number;
  routers: number;
  stores: number;
  /** Port of edge-1, edge-N on the N-1st after it; 0 takes free ones. */
  port: number;
  /** Servers to use instead of private ones. */
  databaseUrl?: string;
  redisUrl?: string;
  natsUrl?: string;
  env?: Places['extraEnv'];
  /** Told what it does, a line each. */
  progress?: (line: string) => void;
};

export type Stack = {
  processes: RunningProcess[];
  urls: Urls;
  /** NATS seeds by user. */
  seeds: Readonly<Record<string, string>>;
  token(userId: string, ttlS?: number): Promise<string>;
  kill(name: string, signal?: NodeJS.Signals): void;
  /** Starts it again with the same ports, data and environment; resolves when it is ready. */
  start(name: string): Promise<void>;
  /** Stops it as an operator would and resolves once it is gone. */
  stopProcess(name: string): Promise<void>;
  stop(): Promise<void>;
};

const READY_MS = 45_000;

/** Starts everything; if anything fails, what runs is stopped again and the reason thrown. */
export async function startStack(options: StackOptions): Promise<Stack> {
  mkdirSync(options.runDir, { recursive: true });
  mkdirSync(options.dataDir, { recursive: true });
  const processes: RunningProcess[] = [];
  try {
    return await startAll(options, processes);
  } catch (error) {
    await stopAll({ processes, runDir: options.runDir });
    throw error;
  }
}

async function startAll(options: StackOptions, processes: RunningProcess[]): Promise<Stack> {
  const { runDir, dataDir } = options;
  const progress = options.progress ?? (() => {});
  const start = async (specs: Parameters<typeof launch>[0][]): Promise<void> => {
    const started = specs.map(launch);
    processes.push(...started);
    await Promise.all(started.map((running) => untilReady(running, READY_MS)));
  };
  progress('Servers …');
  const servers = await planServers(options);
  await start(servers.specs);
  const count = options.edges + options.routers + options.stores + 3;
  const [kahaPort, ...adminPorts] = (await freePorts(count)) as [number, ...number[]];
  const places: Places = {
    ...{ runDir, dataDir, nats: servers.nats, seeds: servers.seeds },
    ...{ database: await servers.database(), redis: servers.redis },
    kaha: `http://127.0.0.1:${kahaPort}`,
    secrets: readSecrets(dataDir),
    extraEnv: options.env ?? {},
  };
  progress('Schema and streams …');
  runCommand(places, { script: 'store/migrate-main.js', natsUser: 'store' });
  runCommand(places, { script: 'router/streams-main.js', natsUser: 'setup' });
  progress('Services …');
  await start([kahaSpec(places, kahaPort)]);
  const edgePorts = await portsOfEdges(options);
  const many = (service: ServiceName, instances: number) =>
    Array.from({ length: instances }, (_, index) => {
      const port = service === 'edge' ? edgePorts[index] : undefined;
      const adminPort = adminPorts.pop() as number;
      const own = { service, number: index + 1, adminPort };
      return serviceSpec(places, port === undefined ? own : { ...own, port });
    });
  await start([...many('store', options.stores), ...many('profiles', 1)]);
  await start([...many('retention', 1), ...many('router', options.routers)]);
  await start(many('edge', options.edges));
  const urls: Urls = {
    edges: edgePorts.map((port) => `http://127.0.0.1:${port}`),
    ...{ nats: places.nats, database: places.database, redis: places.redis, kaha: places.kaha },
  };
  writeStackFile(runDir, { processes, urls });
  return stackOf({ processes, urls, runDir, seeds: servers.seeds });
}

type Parts = StackRecord & { runDir: string; seeds: Readonly<Record<string, string>> };

function stackOf({ processes, urls, runDir, seeds }: Parts): Stack {
  const find = (name: string): RunningProcess => {
    const running = processes.find((process) => process.name === name);
    if (running === undefined) throw new Error(`no process ${name}`);
    return running;
  };
  return {
    ...{ processes, urls, seeds },
    token: (userId, ttlS) => mintToken(urls.kaha, userId, ttlS),
    kill: (name, signal = 'SIGKILL') => sendSignal(find(name), signal),
    start: (name) => restart({ processes, urls }, { runDir, name }),
    stopProcess: (name) => stop(find(name)),
    stop: () => stopAll({ processes, runDir }),
  };
}

/** A token of the stand-in. */
export async function mintToken(kaha: string, userId: string, ttlS = 3_600): Promise<string> {
  const response = await fetch(`${kaha}/_dev/token`, {
    method: 'POST',
    body: JSON.stringify({ user_id: userId, ttl_s: ttlS }),
  });
  return ((await response.json()) as { token: string }).token;
}

/** Ends what is left of the process and starts it again; keeps the stack file true. */
export async function restart(
  record: StackRecord,
  { runDir, name }: { runDir: string; name: string },
): Promise<void> {
  const index = record.processes.findIndex((running) => running.name === name);
  const old = record.processes[index];
  if (old === undefined) {
    const names = record.processes.map((running) => running.name).join(', ');
    throw new Error(`There is no ${name}; the stack has ${names}.`);
  }
  await stop(old);
  const { pid, startedAt, ...spec } = old;
  const running = launch(spec);
  record.processes[index] = running;
  writeStackFile(runDir, record);
  await untilReady(running, READY_MS);
}

/** Services in reverse order of starting, servers last. */
export async function stopAll(stack: {
  processes: RunningProcess[];
  runDir: string;
}): Promise<void> {
  const groups = new Map<number, RunningProcess[]>();
  for (const running of stack.processes) {
    const rank = STOP_ORDER.indexOf(running.service);
    groups.set(rank, [...(groups.get(rank) ?? []), running]);
  }
  for (const rank of [...groups.keys()].sort((a, b) => a - b)) {
    await Promise.all((groups.get(rank) ?? []).map((running) => stop(running)));
  }
  removeStackFile(stack.runDir);
}

const STOP_ORDER = [
  'edge',
  'router',
  'retention',
  'profiles',
  'store',
  'kaha',
  'redis',
  'postgres',
  'nats',
];

async function portsOfEdges({ edges, port }: StackOptions): Promise<number[]> {
  if (port === 0) return freePorts(edges);
  return Array.from({ length: edges }, (_, index) => port + index);
}

function runCommand(places: Places, command: { script: string; natsUser: string }): void {
  const path = join('dist', 'services', command.script);
  const env = commandEnv(places, command.natsUser);
  const result = spawnSync(process.execPath, [path], { env, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command.script} failed:\n${result.stdout}${result.stderr}`);
  }
}
