export type Counts = { passed: number; failed: number };

export type TapTally = {
  readonly counts: Counts;
  /** A line of TAP in; out comes what a person should see of it, if anything. */
  note(line: string): string | undefined;
};

const TEST_INDENT = 4;
const POINT = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time=).*| \{)?$/;

/**
 * Counts tests: what stands directly in a file, not the assertions below it. A file that fails
 * without a failed test (it ended early, or took too long) counts as one failure. Shows files as
 * they end, and of what failed all there is.
 */
export function createTapTally(): TapTally {
  const counts: Counts = { passed: 0, failed: 0 };
  let failedInFile = 0;
  let isFailing = false;
  return {
    counts,
    note(line) {
      const match = POINT.exec(line);
      if (match === null) {
        if (/^ *(# Subtest|1\.\.\d)/.test(line)) isFailing = false;
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
        if (isFailing && failedInFile === 0) counts.failed += 1;
        failedInFile = 0;
      }
      return isFile || isFailing || !isCounted ? line : undefined;
    },
  };
}
