import { writeFileSync } from 'node:fs';
import { runBench } from './bench.ts';
import { type BenchOptions, HELP, OptionsError, parseOptions } from './options/options.ts';
import { reportText } from './report/report-text.ts';

const PASSED = 0;
const FAILED = 1;
const NOT_RUN = 2;
const INTERRUPTED = 130;
const CLEAR_LINE = '\r\x1b[2K';
/** Without a terminal a line is printed only this often, because nobody watches it then. */
const QUIET_TELL_MS = 5_000;

/** Carries out a command line. Resolves with the exit status. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'number') return options;
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  process.once('SIGTERM', () => abort.abort());
  const tell = createTeller();
  try {
    const report = await runBench(options, { signal: abort.signal, tell });
    tell('');
    process.stdout.write(reportText(report));
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    return report.problems.length === 0 ? PASSED : FAILED;
  } catch (error) {
    tell('');
    process.stderr.write(`${(error as Error).message}\n`);
    return abort.signal.aborted ? INTERRUPTED : NOT_RUN;
  }
}

function readOptions(args: readonly string[]): BenchOptions | number {
  try {
    const options = parseOptions(args);
    if (options !== 'help') return options;
    process.stdout.write(HELP);
    return PASSED;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return NOT_RUN;
  }
}

/**
 * Returns a function that overwrites one line on a terminal, and elsewhere prints a line now and
 * then.
 */
function createTeller(): (line: string) => void {
  const { stderr } = process;
  let toldAt = 0;
  return (line) => {
    if (stderr.isTTY) stderr.write(CLEAR_LINE + line);
    else if (line !== '' && Date.now() - toldAt >= QUIET_TELL_MS) {
      toldAt = Date.now();
      stderr.write(`${line}\n`);
    }
  };
}
