import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Checked, compileTests, lint, typeCheck } from './build.ts';
import { launch, type RunningProcess, stop, untilReady } from './processes/child.ts';
import { installChromium } from './programs/chromium.ts';
import { installPgbouncer } from './programs/pgbouncer.ts';
import { installProxies } from './programs/proxies.ts';
import { wipePostgres } from './servers/postgres-server.ts';
import { planServers } from './servers/servers.ts';
import { makeBatches } from './testing/batches.ts';
import { startCommonStack } from './testing/common-stack.ts';
import { makeTemplate } from './testing/database-template.ts';
import { longestFirst } from './testing/file-order.ts';
import { createTapTally } from './testing/tap-tally.ts';
import { runTestFiles } from './testing/test-files.ts';

const HELP = `Type check, lint, tidy test and all tests, on real servers of their own.
Tests of the page run in Chromium, one of Postgres behind PgBouncer, and those of proxies with
nginx and HAProxy. All are installed where that can be done.

  npm test [-- <file>.test.ts …]
  npm run soak [-- …]        the same with the full doses; may take an hour

ROUNDS=80 sets the number of rounds, and SEED=7 the seed, of the tests that act at random in rounds.
A test prints the seed of a round that failed.

The last line is "N passed, N failed"; the exit status is 0 only if nothing failed.
`;

const READY_MS = 30_000;
/** A test file may take this long. The doses of a soak take an hour. */
const FILE_S = 300;
const SOAK_FILE_S = 3_700;

const tally = createTapTally();
const { counts } = tally;
const interrupted = new AbortController();

try {
  await runAll();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  counts.failed += 1;
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

async function runAll(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      soak: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const absent = positionals.filter((file) => !existsSync(file));
  if (absent.length > 0) throw new Error(`There is no ${absent.join(', ')}`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new Error('Interrupted.')));
  }
  const isAll = positionals.length === 0;
  const { soak } = values;
  const chosen = isAll ? testFiles() : positionals;
  installFor(chosen);
  await withServers(async (servers) => {
    const shared = isAll ? chosen.filter((file) => says(file, 'await shareStack(t)')) : [];
    const own = chosen.filter((file) => !shared.includes(file));
    const stacks = own.filter((file) => says(file, 'await setStack(t') || needsBrowser(file));
    const units = own.filter((file) => !stacks.includes(file));
    // A file that a person names has its own process.
    const { batches, alone } = isAll ? makeBatches(units) : { batches: [], alone: units };
    const [{ template, stack }] = await Promise.all([
      build({ isChecked: false }).then(() => prepare(shared, servers)),
      compileTests(),
    ]);
    // The checks take what the tests leave of the cores.
    const checks = isAll ? [check('type check', typeCheck()), check('lint', lint())] : [];
    const env = { TEST_DATABASE_TEMPLATE: template, ...servers.env, ...stack?.env };
    const run = {
      env: { ...ownEnv(), ...env, ...(soak && { SOAK: '1' }) },
      fileTimeoutS: soak ? SOAK_FILE_S : FILE_S,
      ...{ signal: interrupted.signal, note: show },
    };
    try {
      const others = longestFirst([...shared, ...alone]);
      const order = { stacks: longestFirst(stacks), others, batches };
      await runTestFiles(order, { ...run, onEnd: (file) => stack?.ended(file) });
      await Promise.all(checks);
    } finally {
      await stack?.stop();
    }
  });
}

/** Installs what only some tests need, if such a test is among the files. */
function installFor(files: readonly string[]): void {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const lacks = [
    files.some(needsBrowser) ? installChromium(say) : undefined,
    files.some((file) => says(file, 'await setPgbouncer(t')) ? installPgbouncer(say) : undefined,
    files.some((file) => says(file, 'await setProxies(t')) ? installProxies(say) : undefined,
  ];
  for (const lack of lacks) if (lack !== undefined) say(lack);
}

type Servers = { dir: string; env: Record<string, string>; databaseUrl: string; redisUrl: string };

/**
 * Starts one Postgres and one Redis for all files. Each file has its own NATS. The servers end with
 * this process.
 */
async function withServers(run: (servers: Servers) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-test-'));
  const running: RunningProcess[] = [];
  try {
    const places = { runDir: dir, dataDir: dir, natsUrl: 'nats://unused' };
    const plan = await planServers({ ...places, survivesPowerCut: false });
    for (const spec of plan.specs) running.push(launch(spec, { bound: true }));
    await Promise.all(running.map((server) => untilReady(server, READY_MS, interrupted.signal)));
    const [databaseUrl, redisUrl] = [await plan.database(), plan.redis];
    const env = { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl };
    await run({ dir, env, databaseUrl, redisUrl });
  } finally {
    for (const server of running.reverse()) await stop(server);
    wipePostgres(dir);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Makes what test files share. The services must have been built. */
async function prepare(shared: readonly string[], servers: Servers) {
  const [template, stack] = await Promise.all([
    makeTemplate(servers.databaseUrl),
    startShared(shared, servers),
  ]);
  return { template, stack };
}

/**
 * Starts the stack that these test files share. They run before the files that need no stack, and
 * the shared stack is stopped once the last of them has ended.
 */
async function startShared(files: readonly string[], servers: Servers) {
  if (files.length === 0) return undefined;
  const dir = join(servers.dir, 'common');
  const stack = await startCommonStack(dir, servers, interrupted.signal);
  const left = new Set(files);
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= stack.stop();
    return stopping;
  };
  const ended = (file: string): void => {
    // The end of the run awaits `stop` and reports its failure.
    if (left.delete(file) && left.size === 0) stop().catch((error: unknown) => error);
  };
  return { env: { TEST_STACK_DIR: dir }, ended, stop };
}

function needsBrowser(file: string): boolean {
  return says(file, 'await setBrowser(t') || says(file, 'await setPages(t');
}

function says(file: string, text: string): boolean {
  return readFileSync(file, 'utf8').includes(text);
}

/** Reports one step as a pass or a failure. Its output is shown only if it failed. */
async function check(name: string, checked: Promise<Checked>): Promise<void> {
  const { passed, output } = await checked;
  process.stdout.write(`${passed ? 'ok' : 'not ok'} ${name}\n`);
  counts[passed ? 'passed' : 'failed'] += 1;
  if (!passed) process.stdout.write(`${output}\n`);
}

/** Prints files as they end, and all output of what failed. */
function show(line: string): void {
  const shown = tally.note(line);
  if (shown !== undefined) process.stdout.write(`${shown}\n`);
}

function ownEnv(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => !!entry[1]));
}

function testFiles(): string[] {
  const folders = ['test', 'bench', 'services', 'clients', 'web', 'dev', 'shared'];
  return folders.flatMap((folder) => filesBelow(folder)).filter((path) => /\.test\.ts$/.test(path));
}

function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
