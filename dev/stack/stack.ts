import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isAlive,
  launch,
  ownIdentity,
  type ProcessSpec,
  type RunningProcess,
  sendSignal,
  stop,
  untilReady,
} from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { stopComposeServers } from '../servers/compose-servers.ts';
import { readSecrets } from '../servers/secrets.ts';
import { planServers } from '../servers/servers.ts';
import { planInstances, startGroups } from './instances.ts';
import { planPush } from './push-spec.ts';
import { commandEnv, kahaSpec, serviceSpec } from './service-specs.ts';
import { type InstanceCounts, type Places, SERVICE_NAMES, type ServiceName } from './services.ts';
import {
  type LaunchRecord,
  removeStackFile,
  replaceProcess,
  type Urls,
  writeStackFile,
} from './stack-file.ts';

export type StackOptions = InstanceCounts & {
  /** The folder has the logs and `stack.json`. */
  runDir: string;
  /** The folder has the servers' data, keys and secrets. */
  dataDir: string;
  /** edge-1 has this port, and edge-N the N-1st after it. With 0 all edges take free ports. */
  port: number;
  /** The stack uses the given servers instead of private ones. */
  databaseUrl?: string;
  redisUrl?: string;
  /** The default is true. Tests need no Postgres that does. */
  survivesPowerCut?: boolean;
  natsUrl?: string;
  natsStoreDir?: string | undefined;
  /** The private NATS works on so many threads. */
  natsThreads?: number;
  /** Gives the address at which a process reaches NATS, where that is not the server's own. */
  natsUrlFor?: Places['natsUrlFor'];
  /** Device queues are divided over so many streams. */
  queueShards?: number;
  env?: Places['extraEnv'];
  /** The whole stack ends when this process does, even by kill -9. */
  bound?: boolean;
  /** The start is given up when this signal aborts. */
  signal?: AbortSignal;
  /** The start calls this with a line for each step. */
  progress?: (line: string) => void;
};

export type Stack = {
  /** The list is always current. A process that was started again has its new pid here. */
  processes: RunningProcess[];
  urls: Urls;
  /** The map has the NATS seeds by user. */
  seeds: Readonly<Record<string, string>>;
  token(userId: string, ttlS?: number): Promise<string>;
  /** Edges take whoever has this token for a service. */
  serviceToken: string;
  kill(name: string, signal?: NodeJS.Signals): void;
  /**
   * Starts the process again with the same ports, data and environment. Resolves when it is ready.
   */
  start(name: string): Promise<void>;
  /** Stops the process as an operator would. Resolves once it is gone. */
  stopProcess(name: string): Promise<void>;
  stop(): Promise<void>;
};

/** These are enough for 50 000 devices, because a stream should have at most 100 queues. */
const QUEUE_SHARDS = 512;
const READY_MS = 45_000;
const COMMAND_MS = 120_000;
const RELAUNCH_MS = 250;

/**
 * Starts everything. If anything fails, what already runs is stopped again and the reason is
 * thrown.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  clearRunDir(options.runDir);
  mkdirSync(options.dataDir, { recursive: true });
  const record: LaunchRecord = { processes: [], composed: [], starter: ownIdentity() };
  writeStackFile(options.runDir, record);
  try {
    return await startAll(options, record);
  } catch (error) {
    await stopAll(record, options.runDir);
    throw error;
  }
}

async function startAll(options: StackOptions, record: LaunchRecord): Promise<Stack> {
  const { runDir, dataDir } = options;
  const progress = options.progress ?? (() => {});
  const start = (specs: ProcessSpec[]) => startGroup(specs, { options, record });
  progress('Servers …');
  const servers = await planServers(options);
  record.composed = servers.composed;
  await start(servers.specs);
  const instances = await planInstances(options, options.port);
  const portsOf = (service: ServiceName) =>
    instances.flatMap((one) => (one.service === service ? (one.port ?? []) : []));
  const [kahaPort] = (await freePorts(1)) as [number];
  const [webhookPort] = portsOf('profiles') as [number];
  const secrets = readSecrets(dataDir);
  const { pushes = 0 } = options;
  const push =
    pushes === 0 ? undefined : await planPush({ runDir, dataDir, secrets, instances: pushes });
  const places: Places = {
    ...{ secrets, push },
    ...{ runDir, dataDir, nats: servers.nats, seeds: servers.seeds },
    ...{ database: await servers.database(), redis: servers.redis },
    kaha: `http://127.0.0.1:${kahaPort}`,
    queueShards: options.queueShards ?? QUEUE_SHARDS,
    extraEnv: options.env ?? {},
    natsUrlFor: options.natsUrlFor ?? ((_, url) => url),
  };
  progress('Schema and streams …');
  await Promise.all([
    runCommand(places, { script: 'store/migrate-main.js', natsUser: 'store' }),
    runCommand(places, { script: 'router/streams-main.js', natsUser: 'setup' }),
    start([
      kahaSpec(places, { port: kahaPort, webhookPort }),
      ...(push === undefined ? [] : [push.standIn]),
    ]),
  ]);
  progress('Services …');
  for (const group of startGroups(instances)) {
    await start(group.map((instance) => serviceSpec(places, instance)));
  }
  const urls: Urls = {
    edges: portsOf('edge').map((port) => `http://127.0.0.1:${port}`),
    ...{ nats: places.nats, database: places.database, redis: places.redis, kaha: places.kaha },
    ...(push !== undefined && { pushes: push.control }),
  };
  record.urls = urls;
  writeStackFile(runDir, record);
  const { edgeServiceToken: serviceToken } = places.secrets;
  return stackOf({ serviceToken, record, urls, options, seeds: servers.seeds });
}

/**
 * Starts the processes of a group. Each is on record before it is waited for, so that it can be
 * stopped whatever happens.
 */
async function startGroup(
  specs: ProcessSpec[],
  { options, record }: { options: StackOptions; record: LaunchRecord },
): Promise<void> {
  const { runDir, bound = false, signal } = options;
  signal?.throwIfAborted();
  const started: RunningProcess[] = [];
  for (const spec of specs) {
    const running = launch(spec, { bound });
    started.push(running);
    record.processes.push(running);
  }
  writeStackFile(runDir, record);
  await Promise.all(started.map((running) => untilReady(running, READY_MS, signal)));
}

type Parts = {
  serviceToken: string;
  record: LaunchRecord;
  urls: Urls;
  options: StackOptions;
  seeds: Readonly<Record<string, string>>;
};

function stackOf({ serviceToken, record, urls, options, seeds }: Parts): Stack {
  const { runDir, bound = false } = options;
  const { processes } = record;
  const find = (name: string): RunningProcess => {
    const running = processes.find((process) => process.name === name);
    if (running === undefined) throw new Error(`no process ${name}`);
    return running;
  };
  return {
    ...{ processes, urls, seeds, serviceToken },
    token: async (userId, ttlS) => (await mintTokens(urls.kaha, [userId], ttlS))[0] as string,
    kill: (name, signal = 'SIGKILL') => sendSignal(find(name), signal),
    start: (name) =>
      startAgain(find(name), {
        ...{ runDir, bound },
        onLaunch: (running) => {
          const index = processes.findIndex((process) => process.name === name);
          processes[index] = running;
        },
      }),
    stopProcess: (name) => stop(find(name)),
    stop: () => stopAll(record, runDir),
  };
}

/** Resolves with tokens of the stand-in, in the order of the users. */
export async function mintTokens(
  kaha: string,
  userIds: readonly string[],
  ttlS = 3_600,
): Promise<string[]> {
  const response = await fetch(`${kaha}/_dev/token`, {
    method: 'POST',
    body: JSON.stringify({ user_ids: userIds, ttl_s: ttlS }),
  });
  if (!response.ok) throw new Error(`no tokens: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { tokens: string[] }).tokens;
}

type Again = { runDir: string; bound?: boolean; onLaunch?: (running: RunningProcess) => void };

/** Ends what is left of the process and starts it again. The stack file stays correct. */
export async function startAgain(old: RunningProcess, again: Again): Promise<void> {
  const { runDir, bound = false, onLaunch } = again;
  await stop(old);
  const { pid, startedAt, ...spec } = old;
  const end = Date.now() + READY_MS;
  for (;;) {
    const running = launch(spec, { bound });
    onLaunch?.(running);
    replaceProcess(runDir, running);
    try {
      return await untilReady(running, READY_MS);
    } catch (error) {
      // The children of a killed postmaster end a moment after it. Until then they hold its data.
      const isEarly = spec.service === 'postgres' && !isAlive(running) && Date.now() < end;
      if (!isEarly) throw error;
      await delay(RELAUNCH_MS);
    }
  }
}

/** Stops services in reverse order of starting, and the servers last. */
export async function stopAll(
  stack: Pick<LaunchRecord, 'processes' | 'composed'>,
  runDir: string,
): Promise<void> {
  const groups = new Map<number, RunningProcess[]>();
  for (const running of stack.processes) {
    const rank = STOP_ORDER.indexOf(running.service);
    groups.set(rank, [...(groups.get(rank) ?? []), running]);
  }
  for (const rank of [...groups.keys()].sort((a, b) => a - b)) {
    await Promise.all((groups.get(rank) ?? []).map((running) => stop(running)));
  }
  stopComposeServers(stack.composed);
  removeStackFile(runDir);
}

const STOP_ORDER: readonly string[] = [
  ...SERVICE_NAMES.toReversed(),
  ...['push-providers', 'kaha', 'redis', 'postgres', 'nats'],
];

function runCommand(
  places: Places,
  { script, natsUser }: { script: string; natsUser: string },
): Promise<void> {
  const options = { env: commandEnv(places, natsUser), timeout: COMMAND_MS };
  return new Promise((resolve, reject) => {
    const args = [join('dist', 'services', script)];
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const late = error?.killed ? ` (${error.signal})` : '';
      if (error === null) resolve();
      else reject(new Error(`${script} failed${late}:\n${stdout}${stderr}`));
    });
  });
}

/** Removes the logs and the stack file of the last run. */
function clearRunDir(runDir: string): void {
  mkdirSync(runDir, { recursive: true });
  removeStackFile(runDir);
  for (const name of readdirSync(runDir)) {
    if (name.endsWith('.log')) rmSync(join(runDir, name));
  }
}
