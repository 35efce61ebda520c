export type Counts = { passed: number; failed: number };

export type TapTally = {
  readonly counts: Counts;
  /** A line of TAP in; out comes what a person should see of it, if anything. */
  note(line: string): string | undefined;
};

const TEST_INDENT = 4;
const LINES_SHOWN_MAX = 40;
const POINT = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time=).*| \{)?$/;

/**
 * Counts tests: what stands directly in a file, not the assertions below it. A file that fails
 * without a failed test (it ended early, or took too long) counts as one failure. Shows files as
 * they end, and of what failed all there is: of such a file the last of what it said.
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
