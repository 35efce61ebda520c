type Counts = { passed: number; failed: number };

type TapTally = {
  readonly counts: Counts;
  /** Takes a line of TAP. Returns what a person should see of it, if anything. */
  note(line: string): string | undefined;
};

const TEST_INDENT = 4;
const LINES_SHOWN_MAX = 40;
const POINT = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time=).*| \{)?$/;

/**
 * Counts tests, which stand directly in a file, and not the assertions below them. A file that
 * fails without a failed test (it ended early, or took too long) counts as one failure. The tally
 * shows files as they end, and all output of what failed; of a file that failed without a failed
 * test, it shows the last output.
 */
export function createTapTally(): TapTally {
  const counts: Counts = { passed: 0, failed: 0 };
  let failedInFile = 0;
  let isFailing = false;
  let said: string[] = [];
  return {
    counts,
    note(line) {
      said = [...said, line].slice(-LINES_SHOWN_MAX);
      const match = POINT.exec(line);
      if (match === null) {
        if (/^ *(TAP version|# Subtest|1\.\.\d)/.test(line)) isFailing = false;
        return isFailing ? line : undefined;
      }
      const [, indent = '', verdict, , remark] = match;
      isFailing = verdict === 'not ok' && remark !== 'TODO';
      const isFile = indent === '';
      const isCounted = remark !== 'SKIP' && remark !== 'TODO';
      if (indent.length === TEST_INDENT && isCounted) {
        counts[isFailing ? 'failed' : 'passed'] += 1;
        if (isFailing) failedInFile += 1;
      }
      if (isFile) {
        const isCutShort = isFailing && failedInFile === 0;
        const text = said.join('\n');
        failedInFile = 0;
        said = [];
        if (isCutShort) counts.failed += 1;
        if (isCutShort) return text;
      }
      return isFile || isFailing || !isCounted ? line : undefined;
    },
  };
}
