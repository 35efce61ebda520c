/**
 * These files take longest, so they begin first. Otherwise the run would end with one or two of
 * them, beside which the cores are idle.
 */
const LONGEST: readonly string[] = [
  'test/agent-availability.test.ts',
  'test/profiles.test.ts',
  'test/receipts-kill.test.ts',
  'test/feed.test.ts',
  'test/kill-services.test.ts',
  'test/presence.test.ts',
  'test/frozen.test.ts',
  'test/assignment-kills.test.ts',
  'test/page-size.test.ts',
  'test/page-chat.test.ts',
  'test/outages.test.ts',
  'test/moments.test.ts',
  'test/close-codes.test.ts',
  'test/client-browser.test.ts',
  'test/assignment.test.ts',
  'bench/business/business-bench.test.ts',
  'test/client-chat.test.ts',
  'services/edge/tokens/keep-keys.test.ts',
  'services/store/inbox/append-to-business.test.ts',
  'shared/feed/feed-reader.test.ts',
];

/** Sorts the files of a whole run. The order of those that take less time stays as it is. */
export function longestFirst(files: readonly string[]): string[] {
  const rankOf = (file: string): number => {
    const index = LONGEST.indexOf(file);
    return index === -1 ? LONGEST.length : index;
  };
  return files.toSorted((one, other) => rankOf(one) - rankOf(other));
}
