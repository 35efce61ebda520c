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
const BATCH_MAIN = 'dev/testing/batch-main.ts';
const BATCH_POINT = /^(ok|not ok) \d+ - (\S+) # time=([\d.]+)ms/;

/** The files run in this order. Those of a batch share a process. */
type TestFiles = {
  stacks: readonly string[];
  others: readonly string[];
  batches: readonly (readonly string[])[];
};
/** Tells whether a file has passed, and how long it took. */
type Verdict = (hasPassed: boolean, file: string, ms?: number) => void;
type Job = { batch: readonly string[] } | { file: string };

/**
 * Runs each compiled file in its own process, or with the others of its batch. The runner of tap is
 * not used: it would have to be rebuilt after each install to leave out its TypeScript plugin,
 * which fails with TypeScript 7.
 */
export async function runTestFiles(files: TestFiles, run: TestRun): Promise<void> {
  const stacks: Job[] = files.stacks.map((file) => ({ file }));
  const others: Job[] = [
    ...files.others.map((file) => ({ file })),
    ...files.batches.map((batch) => ({ batch })),
  ];
  let number = 0;
  const verdict: Verdict = (hasPassed, file, ms) => {
    number += 1;
    const time = ms === undefined ? '' : ` # time=${Math.round(ms)}ms`;
    run.note(`${hasPassed ? 'ok' : 'not ok'} ${number} - ${file}${time}`);
  };
  const work = async (own: Job[], last: Job[]): Promise<void> => {
    while (!run.signal.aborted) {
      const job = own.shift() ?? last.shift();
      if (job === undefined) return;
      if ('file' in job) await runFile(job.file, run, verdict);
      else await runBatch(job.batch, run, verdict);
    }
  };
  await Promise.all([
    ...Array.from({ length: STACKS_AT_ONCE }, () => work(stacks, others)),
    ...Array.from({ length: OTHERS_AT_ONCE }, () => work(others, stacks)),
  ]);
  run.signal.throwIfAborted();
}

async function runFile(file: string, run: TestRun, verdict: Verdict): Promise<void> {
  const startedAt = performance.now();
  const { code, lines } = await runProcess(compiledPath(file), run);
  for (const { line } of lines) run.note(`    ${line}`);
  run.onEnd(file);
  verdict(code === 0, file, performance.now() - startedAt);
}

/**
 * Runs the files in one process. The TAP of a file in it is that of a subtest, which looks like
 * that of a process. A file without a verdict has failed, and so has a batch whose process fails
 * or does not end although each file has passed.
 */
async function runBatch(batch: readonly string[], run: TestRun, verdict: Verdict): Promise<void> {
  const left = new Set(batch);
  const env = { ...run.env, BATCH_FILES: batch.join('\n') };
  const { code, lines } = await runProcess(compiledPath(BATCH_MAIN), { ...run, env });
  let isFailed = false;
  for (const { line, isError } of lines) {
    const [, word, file = '', ms] = (!isError && BATCH_POINT.exec(line)) || [];
    if (left.delete(file)) {
      verdict(word === 'ok', file, Number(ms));
      isFailed ||= word !== 'ok';
    } else run.note(isError ? `    ${line}` : line);
  }
  for (const file of left) verdict(false, file);
  if (code !== 0 && !isFailed && left.size === 0) verdict(false, `the batch from ${batch[0]} on`);
  for (const file of batch) run.onEnd(file);
}

type Output = { code: number | null; lines: { line: string; isError: boolean }[] };

async function runProcess(
  program: string,
  { env, fileTimeoutS, signal }: Pick<TestRun, 'env' | 'fileTimeoutS' | 'signal'>,
): Promise<Output> {
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    env: { ...env, TAP_TIMEOUT: String(fileTimeoutS - TAP_SOONER_S) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const abort = (): void => end(child);
  signal.addEventListener('abort', abort);
  const timer = setTimeout(abort, fileTimeoutS * MS_PER_S);
  const lines: Output['lines'] = [];
  const said = [child.stdout, child.stderr].map(async (input) => {
    const isError = input === child.stderr;
    for await (const line of createInterface({ input })) lines.push({ line, isError });
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  // A process that the file left behind may still hold its output open.
  await Promise.race([Promise.all(said), delay(OUTPUT_MS, undefined, { ref: false })]);
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  return { code, lines };
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS).unref();
}
