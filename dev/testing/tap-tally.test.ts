import t from 'tap';
import { createTapTally } from './tap-tally.ts';

function tally(text: string) {
  const tap = createTapTally();
  const shown = text.split('\n').flatMap((line) => tap.note(line) ?? []);
  return { ...tap.counts, shown };
}

t.test('tests count, but not the assertions below them nor the files above', async (t) => {
  const { shown, ...counts } = tally(`TAP version 14
# Subtest: a.test.ts
    # Subtest: one
        ok 1 - should be equal
        1..1
    ok 1 - one # time=1.5ms
    # Subtest: two
        ok 1 - should be equal
    ok 2 - two # time=1ms
    1..2
    # time=9ms
ok 1 - a.test.ts # time=9ms`);
  t.same(counts, { passed: 2, failed: 0 });
  t.same(shown, ['ok 1 - a.test.ts # time=9ms']);
});

t.test('a failed test is shown whole and counts once', async (t) => {
  const { shown, ...counts } = tally(`# Subtest: a.test.ts
    # Subtest: one
        not ok 1 - should be equal
          ---
          diff: x
          ...
        1..1
    not ok 1 - one # time=1ms
    ok 2 - two # time=1ms
not ok 1 - a.test.ts # time=9ms
  ---
  exitCode: 1
  ...`);
  t.same(counts, { passed: 1, failed: 1 });
  t.match(shown.join('\n'), /diff: x[\s\S]*not ok 1 - one[\s\S]*exitCode: 1/);
  t.notMatch(shown, ['    ok 2 - two # time=1ms']);
});

t.test('a file that ends early counts as a failure, and its output is shown', async (t) => {
  const { failed, shown } = tally(`ok 1 - before.test.ts # time=1ms
    Error: Cannot find module
    ok 1 - one # time=1ms
not ok 1 - a.test.ts # time=9ms`);
  t.equal(failed, 1);
  t.match(shown[1], /^ {4}Error: Cannot find module\n[\s\S]*\nnot ok 1 - a.test.ts/);
});

t.test('a skipped or unfinished test is neither passed nor failed, but is shown', async (t) => {
  const { shown, ...counts } = tally(`    ok 1 - one # SKIP no engine
    not ok 2 - two # TODO later
ok 1 - a.test.ts # time=9ms`);
  t.same(counts, { passed: 0, failed: 0 });
  t.equal(shown.length, 3);
});
