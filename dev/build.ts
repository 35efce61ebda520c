import { execFile } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join, relative } from 'node:path';

export type Checked = { passed: boolean; output: string };

const TSC = 'node_modules/typescript/bin/tsc';
const PAGE = 'web/build.mjs';
const VIEWER = 'web/docs/build.mjs';
const CLIENT = 'clients/js/build.mjs';
const UNCHECKED = '--noCheck';
const JOIN = 'dev/join-packages.mjs';
const BIOME = 'node_modules/@biomejs/biome/bin/biome';

/**
 * Compiles services and shared to `dist/`, joins packages for them there, and builds the page to
 * `dist/web`, the viewer of `/docs` to `dist/docs` and the client to `clients/js/dist`. The
 * compiler is incremental, so the build is cheap when nothing changed. A caller that checks all
 * types beside it builds with `isChecked` false.
 */
export async function build({ isChecked = true } = {}): Promise<void> {
  const tools = [PAGE, VIEWER, CLIENT].map((tool) => runTool(tool));
  const built = await Promise.all([
    runTool(TSC, '-p', 'tsconfig.build.json', ...(isChecked ? [] : [UNCHECKED])),
    runTool(JOIN, 'services'),
    ...tools,
  ]);
  for (const { passed, output } of built) {
    if (!passed) throw new Error(`the build failed:\n${output}`);
  }
}

/**
 * Compiles everything for `compiledPath`, whether the types are right or wrong, and joins `tap` for
 * it. That takes a fifth of the time of a type check, which can so run beside the tests.
 */
export async function compileTests(): Promise<void> {
  const joining = runTool(JOIN, 'tests');
  await runTool(TSC, '-p', 'tsconfig.test.json', UNCHECKED);
  await runTool(TSC, '-p', 'web/tsconfig.test.json', UNCHECKED);
  await joining;
}

/** Checks the types of everything. */
export async function typeCheck(): Promise<Checked> {
  const checkOf = (config: string, state: string): Promise<Checked> => {
    const file = join('dist', state);
    return runBeside(TSC, '-p', config, '--noEmit', '--tsBuildInfoFile', file);
  };
  const checks = [
    await checkOf('tsconfig.test.json', '.types-checked'),
    await checkOf('web/tsconfig.test.json', '.types-checked-web'),
  ];
  return {
    passed: checks.every(({ passed }) => passed),
    output: checks.map(({ output }) => output).join(''),
  };
}

export function lint(): Promise<Checked> {
  return runBeside(BIOME, 'check', '.');
}

/**
 * Returns the path to which `compileTests` compiles a file. Loading the compiled file takes a third
 * of the time.
 */
export function compiledPath(file: string): string {
  return join('dist', 'tests', relative('', file).replace(/\.ts$/, '.js'));
}

function runTool(...args: string[]): Promise<Checked> {
  return run(args, constants.priority.PRIORITY_NORMAL);
}

/** Runs a tool that leaves the cores to the tests that run meanwhile. */
function runBeside(...args: string[]): Promise<Checked> {
  return run(args, constants.priority.PRIORITY_BELOW_NORMAL);
}

function run(args: string[], priority: number): Promise<Checked> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ passed: error === null, output: `${stdout}${stderr}` });
    });
    if (child.pid !== undefined && priority > 0) setPriority(child.pid, priority);
  });
}
