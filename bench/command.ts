import { writeFileSync } from 'node:fs';
import { type BenchDeps, runBench } from './bench.ts';
import { runBusinessBench } from './business/business-bench.ts';
import { BUSINESS_HELP, parseBusinessOptions } from './business/business-options.ts';
import { businessReportText } from './business/business-report.ts';
import { OptionsError } from './options/numbers-of.ts';
import { HELP, parseOptions } from './options/options.ts';
import { reportText } from './report/report-text.ts';

/** A kind of run has its own options, and its own report. */
type Kind<Options, Report> = {
  help: string;
  parse(args: readonly string[]): Options | 'help';
  run(options: Options, deps: BenchDeps): Promise<Report>;
  text(report: Report): string;
};

const PASSED = 0;
const FAILED = 1;
const NOT_RUN = 2;
const INTERRUPTED = 130;
const CLEAR_LINE = '\r\x1b[2K';
/** Without a terminal a line is printed only this often, because nobody watches it then. */
const QUIET_TELL_MS = 5_000;

/** Carries out a command line. Resolves with the exit status. */
export function runCommand(args: readonly string[]): Promise<number> {
  if (args.includes('--business')) {
    return runKind(args, {
      ...{ help: BUSINESS_HELP, parse: parseBusinessOptions },
      ...{ run: runBusinessBench, text: businessReportText },
    });
  }
  return runKind(args, { help: HELP, parse: parseOptions, run: runBench, text: reportText });
}

async function runKind<
  Options extends { json: string | undefined },
  Report extends { problems: readonly string[] },
>(args: readonly string[], kind: Kind<Options, Report>): Promise<number> {
  const options = readOptions(args, kind);
  if (typeof options === 'number') return options;
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  process.once('SIGTERM', () => abort.abort());
  const tell = createTeller();
  try {
    const report = await kind.run(options, { signal: abort.signal, tell });
    tell('');
    process.stdout.write(kind.text(report));
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

function readOptions<Options extends object, Report>(
  args: readonly string[],
  { help, parse }: Kind<Options, Report>,
): Options | number {
  try {
    const options = parse(args);
    if (options !== 'help') return options;
    process.stdout.write(help);
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
