import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { compiledPath } from '../build.ts';

type TestRun = {
  env: Readonly<Record<string, string>>;
  /** A file that takes longer is ended and counts as failed. */
  fileTimeoutS: number;
  signal: AbortSignal;
  /**
   * The runner calls this with the TAP of a file that has ended, first its lines, indented, then
   * its own line.
   */
  note: (line: string) => void;
  /** The runner calls this with each file that has ended, passed or not. */
  onEnd: (file: string) => void;
};

/**
 * These numbers are for two cores. A file with its own stack waits half of its time for what it
 * killed to come back, and the others wait less. Four files at a time leave a quarter of the cores
 * idle, so two of the former run beside three of the latter, and what is left in the end runs five
 * at a time.
 */
const STACKS_AT_ONCE = 2;
const OTHERS_AT_ONCE = 3;
/**
 * tap itself ends a file this long before that, and tells why. Its own limit is too short by
 * default.
 */
const TAP_SOONER_S = 10;
/** A file may take this long to stop what it started. */
const END_GRACE_MS = 10_000;
const OUTPUT_MS = 5_000;
const MS_PER_S = 1_000;

/** The files run in this order. */
type TestFiles = { stacks: readonly string[]; others: readonly string[] };

/**
 * Runs each compiled file in its own process. The runner of tap is not used: it would have to be
 * rebuilt after each install to leave out its TypeScript plugin, which fails with TypeScript 7.
 */
export async function runTestFiles(files: TestFiles, run: TestRun): Promise<void> {
  const [stacks, others] = [[...files.stacks], [...files.others]];
  let number = 0;
  const work = async (own: string[], last: string[]): Promise<void> => {
    while (!run.signal.aborted) {
      const file = own.shift() ?? last.shift();
      if (file === undefined) return;
      number += 1;
      await runFile({ file, number }, run);
    }
  };
  await Promise.all([
    ...Array.from({ length: STACKS_AT_ONCE }, () => work(stacks, others)),
    ...Array.from({ length: OTHERS_AT_ONCE }, () => work(others, stacks)),
  ]);
  run.signal.throwIfAborted();
}

async function runFile(
  { file, number }: { file: string; number: number },
  { env, fileTimeoutS, signal, note, onEnd }: TestRun,
): Promise<void> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', compiledPath(file)], {
    env: { ...env, TAP_TIMEOUT: String(fileTimeoutS - TAP_SOONER_S) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const abort = (): void => end(child);
  signal.addEventListener('abort', abort);
  const timer = setTimeout(abort, fileTimeoutS * MS_PER_S);
  const lines: string[] = [];
  const outputs = [child.stdout, child.stderr];
  const said = outputs.map(async (input) => {
    for await (const line of createInterface({ input })) lines.push(`    ${line}`);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  // A process that the file left behind may still hold its output open.
  await Promise.race([Promise.all(said), delay(OUTPUT_MS, undefined, { ref: false })]);
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  for (const line of lines) note(line);
  const verdict = code === 0 ? 'ok' : 'not ok';
  onEnd(file);
  note(`${verdict} ${number} - ${file} # time=${Math.round(performance.now() - startedAt)}ms`);
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS).unref();
}
