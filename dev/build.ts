import { execFile } from 'node:child_process';
import { join, relative } from 'node:path';

export type Checked = { passed: boolean; output: string };

const TSC = 'node_modules/typescript/bin/tsc';
const PAGE = 'web/build.mjs';
const VIEWER = 'web/docs/build.mjs';
const CLIENT = 'clients/js/build.mjs';
const JOIN = 'dev/join-packages.mjs';
const BIOME = 'node_modules/@biomejs/biome/bin/biome';

/**
 * Compiles services and shared to `dist/`, joins packages for them there, and builds the page to
 * `dist/web`, the viewer of `/docs` to `dist/docs` and the client to `clients/js/dist`. The
 * compiler is incremental, so the build is cheap when nothing changed.
 */
export async function build(): Promise<void> {
  const tools = [PAGE, VIEWER, CLIENT].map((tool) => runTool(tool));
  const built = await Promise.all([
    runTool(TSC, '-p', 'tsconfig.build.json'),
    runTool(JOIN, 'services'),
    ...tools,
  ]);
  for (const { passed, output } of built) {
    if (!passed) throw new Error(`the build failed:\n${output}`);
  }
}

/**
 * Checks the types of everything and compiles it for `compiledPath`, whether the types are right or
 * wrong. The tests find a joined `tap` there.
 */
export async function typeCheck(): Promise<Checked> {
  const joined = runTool(JOIN, 'tests');
  const checks = [
    await runTool(TSC, '-p', 'tsconfig.test.json'),
    await runTool(TSC, '-p', 'web/tsconfig.test.json'),
    await joined,
  ];
  return {
    passed: checks.every(({ passed }) => passed),
    output: checks.map(({ output }) => output).join(''),
  };
}

export function lint(): Promise<Checked> {
  return runTool(BIOME, 'check', '.');
}

/**
 * Returns the path to which `typeCheck` compiles a file. Loading the compiled file takes a third of
 * the time.
 */
export function compiledPath(file: string): string {
  return join('dist', 'tests', relative('', file).replace(/\.ts$/, '.js'));
}

function runTool(...args: string[]): Promise<Checked> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ passed: error === null, output: `${stdout}${stderr}` });
    });
  });
}
