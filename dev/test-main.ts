import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { launch, type RunningProcess, stop, untilReady } from './child.ts';
import { wipePostgres } from './postgres-server.ts';
import { planServers } from './servers.ts';

const HELP = `Type check, lint, tidy test and all tests, on real servers of their own.

  npm test [-- <file>.test.ts …]
  npm run soak               the same with the full doses; may take an hour

The last line is "N passed, N failed"; the exit status is 0 only if nothing failed.
`;

const READY_MS = 30_000;

type Counts = { passed: number; failed: number };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { soak: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const counts: Counts = { passed: 0, failed: 0 };
let failing = false;
try {
  await runAll();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  counts.failed += 1;
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

async function runAll(): Promise<void> {
  if (positionals.length === 0) {
    check('type check', ['node_modules/typescript/bin/tsc', '-p', '.']);
    check('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);
  }
  build();
  const dir = mkdtempSync(join(tmpdir(), 'kaha-test-'));
  const running: RunningProcess[] = [];
  const stopAll = async (): Promise<void> => {
    for (const server of running.reverse()) await stop(server);
    wipePostgres(dir);
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void stopAll().then(() => process.exit(1)));
  process.once('SIGTERM', () => void stopAll().then(() => process.exit(1)));
  try {
    // Every test file has a NATS of its own: only the other two are shared.
    const options = { runDir: dir, dataDir: dir, natsUrl: 'nats://unused' };
    const plan = await planServers(options);
    running.push(...plan.specs.map(launch));
    await Promise.all(running.map((server) => untilReady(server, READY_MS)));
    const env = { TEST_DATABASE_URL: await plan.database(), TEST_REDIS_URL: plan.redis };
    await runTap(positionals.length > 0 ? positionals : testFiles(), env);
  } finally {
    await stopAll();
  }
}

/** A step of its own: one pass or one failure, its output only where it failed. */
function check(name: string, args: string[]): void {
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const passed = result.status === 0;
  process.stdout.write(`${passed ? 'ok' : 'not ok'} ${name}\n`);
  if (passed) counts.passed += 1;
  else counts.failed += 1;
  if (!passed) process.stdout.write(`${result.stdout}${result.stderr}\n`);
}

/** Runs the files, tells each as it ends, shows what failed, and counts assertions. */
async function runTap(files: string[], env: Record<string, string>): Promise<void> {
  mkdirSync('.tap', { recursive: true });
  const child = spawn(
    process.execPath,
    ['node_modules/tap/dist/esm/run.mjs', '--reporter=tap', ...files],
    {
      env: { ...process.env, ...env, ...(values.soak && { SOAK: '1' }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) note(line);
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
  if (code !== 0 && counts.failed === 0) counts.failed += 1;
}

/** A line of TAP. Assertions stand indented below their file; a file's own line is not indented. */
function note(line: string): void {
  const match = /^(\s*)(not ok|ok) \d+(?: - (.*?))?( # time=.*| \{)?$/.exec(line);
  if (match !== null) failing = match[2] === 'not ok';
  if (match?.[1] === '') {
    process.stdout.write(`${line.replace(/ \{$/, '')}\n`);
    if (failing) counts.failed += 1;
    else counts.passed += 1;
  } else if (failing) process.stdout.write(`${line}\n`);
}

function testFiles(): string[] {
  const folders = ['shared', 'services', 'dev', 'bench', 'clients', 'test'];
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
