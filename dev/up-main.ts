import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { businessSetUps } from './kaha/people.ts';
import { registerBusinesses } from './kaha/register-businesses.ts';
import { isFree } from './processes/ports.ts';
import { readyScreen } from './ready-screen.ts';
import { jetStreamFolder } from './servers/tmpfs.ts';
import type { InstanceCounts } from './stack/services.ts';
import { type Stack, startAgain, startStack, stopAll } from './stack/stack.ts';
import { readLaunchFile, readStackFile } from './stack/stack-file.ts';

const HELP = `Starts the whole system on this machine and waits until it is ready. Two businesses of
three agents each are there to try; one of which anything was set before stays as it is.

  npm run up [-- options]

  --edges <n>    edges to start, edge-N listens on port + N - 1 (default 2)
  --routers <n>  routers to start (default 1)
  --stores <n>   stores to start (default 1)
  --pushes <n>   instances of push to start, from 0 to 8 (default 1)
  --port <port>  port of edge-1 (default 8080)
  --detach       return once all are ready; "npm run down" stops it
  --only <name>  start one process of the running stack again (edge-1, nats, …)

NATS_URL, DATABASE_URL and REDIS_URL name servers to use instead of private ones. With a NATS
of your own, .data/nats holds the nkey seeds; its users are those
of shared/contracts/traffic.ts.
EDIT_WINDOW_MIN is how many minutes a message can be edited (default 15; 0 for not at all).
RETENTION_DAYS is how many days a message is shown (default 90; 0 for ever), and
RETENTION_GRACE_DAYS for how many more it is kept (default 7).
MAX_CONNECTIONS is how many connections an edge holds (default: see docs/connections.md).
`;

const RUN_DIR = '.run';
const DATA_DIR = '.data';
const INSTANCES_MAX = 16;
const WATCH_MS = 500;

try {
  await up();
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`);
  process.exit(1);
}

async function up(): Promise<void> {
  const { values } = parseArgs({
    options: {
      edges: { type: 'string', default: '2' },
      routers: { type: 'string', default: '1' },
      stores: { type: 'string', default: '1' },
      pushes: { type: 'string', default: '1' },
      port: { type: 'string', default: '8080' },
      detach: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  if (values.only !== undefined) return only(values.only);
  const count = (name: 'edges' | 'routers' | 'stores') =>
    wholeNumber(name, { text: values[name], max: INSTANCES_MAX });
  const pushes = values.pushes === '0' ? 0 : wholeNumber('pushes', { text: values.pushes, max: 8 });
  const port = wholeNumber('port', { text: values.port, max: 65_535 - INSTANCES_MAX });
  const counts = { edges: count('edges'), routers: count('routers'), stores: count('stores') };
  const options = { ...counts, pushes };
  if (readLaunchFile(RUN_DIR) !== undefined) {
    throw new Error('A stack runs already; "npm run down" stops it.');
  }
  for (let index = 0; index < options.edges; index += 1) {
    if (await isFree(port + index)) continue;
    throw new Error(`Port ${port + index} is taken; choose others with --port.`);
  }
  await run({ ...options, port, detach: values.detach });
}

type Options = Required<InstanceCounts> & { port: number; detach: boolean };

async function run(options: Options): Promise<void> {
  const { NATS_URL, DATABASE_URL, REDIS_URL, EDIT_WINDOW_MIN, MAX_CONNECTIONS } = process.env;
  const { RETENTION_DAYS, RETENTION_GRACE_DAYS } = process.env;
  const interrupted = new AbortController();
  untilEnded(() => interrupted.abort(new Error('Interrupted; stopped what had started.')));
  const progress = (line: string): void => void process.stdout.write(`${line}\n`);
  progress('Building …');
  await build();
  const stack = await startStack({
    ...options,
    runDir: RUN_DIR,
    dataDir: DATA_DIR,
    bound: !options.detach,
    signal: interrupted.signal,
    progress,
    natsStoreDir: jetStreamFolder(DATA_DIR),
    ...(NATS_URL && { natsUrl: NATS_URL }),
    ...(DATABASE_URL && { databaseUrl: DATABASE_URL }),
    ...(REDIS_URL && { redisUrl: REDIS_URL }),
    env: {
      store: {
        ...(EDIT_WINDOW_MIN && { EDIT_WINDOW_MIN }),
        ...(RETENTION_DAYS && { RETENTION_DAYS }),
        ...(RETENTION_GRACE_DAYS && { RETENTION_GRACE_DAYS }),
      },
      ...(MAX_CONNECTIONS && { edge: { MAX_CONNECTIONS } }),
    },
  });
  progress('Businesses …');
  const businesses = await setUpBusinesses(stack, interrupted.signal);
  const { detach: isDetached } = options;
  const ready = { urls: stack.urls, businesses, isDetached, runDir: RUN_DIR };
  process.stdout.write(readyScreen(ready));
  if (options.detach) process.exit(0);
  if (!interrupted.signal.aborted) await stopped(interrupted.signal);
  // A process that --only started again has a new pid, and only the file knows it.
  const record = readLaunchFile(RUN_DIR);
  if (record !== undefined) {
    progress('Stopping …');
    await stopAll(record, RUN_DIR);
  }
  progress('Stopped.');
  process.exit(0);
}

/** Registers the businesses of the stand-in. If that fails, the stack is stopped again. */
async function setUpBusinesses(stack: Stack, signal: AbortSignal) {
  const [edgeUrl] = stack.urls.edges as [string];
  try {
    const door = { edgeUrl, serviceToken: stack.serviceToken, signal };
    return await registerBusinesses(businessSetUps(), door);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/**
 * Calls `end` on Ctrl-C, on SIGTERM, when the terminal closes, or when the process that started
 * this one ends.
 */
function untilEnded(end: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, WATCH_MS);
  watch.unref();
}

/**
 * Resolves when this process has to stop, or when "npm run down" has stopped the stack from
 * elsewhere.
 */
function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      if (readLaunchFile(RUN_DIR) === undefined) end();
    }, WATCH_MS);
    const end = (): void => {
      clearInterval(watch);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
  });
}

async function only(name: string): Promise<void> {
  const { processes } = readStackFile(RUN_DIR);
  const old = processes.find((running) => running.name === name);
  if (old === undefined) {
    const names = processes.map((running) => running.name).join(', ');
    throw new Error(`There is no ${name}; the stack has ${names}.`);
  }
  await startAgain(old, { runDir: RUN_DIR });
  const pid = readStackFile(RUN_DIR).processes.find((running) => running.name === name)?.pid;
  process.stdout.write(`${name} is ready, pid ${pid}\n`);
  process.exit(0);
}

function wholeNumber(name: string, { text, max }: { text: string; max: number }): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`--${name} takes a whole number from 1 to ${max}`);
}
