import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeBatches } from './batches.ts';
import { createTapTally } from './tap-tally.ts';
import { runTestFiles } from './test-files.ts';

/** The runner finds compiled test files here. */
const FOLDER = `batch-${process.pid}`;
const PASSES = "t.test('one', async (t) => t.ok(true));";

/** Runs compiled files of these texts as one batch, and returns the counts and what was shown. */
async function run(t: Test, texts: Readonly<Record<string, string>>) {
  const dir = join('dist', 'tests', FOLDER);
  mkdirSync(dir, { recursive: true });
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(dir, `${name}.test.js`), `import t from 'tap';\n${text}\n`);
  }
  const tally = createTapTally();
  const shown: string[] = [];
  const batch = Object.keys(texts).map((name) => join(FOLDER, `${name}.test.ts`));
  await runTestFiles(
    { stacks: [], others: [], batches: [batch] },
    {
      ...{ env: {}, fileTimeoutS: 60 },
      ...{ signal: new AbortController().signal, onEnd: () => undefined },
      note: (line) => shown.push(...[tally.note(line) ?? []].flat()),
    },
  );
  const verdicts = shown.join('\n').match(/^(?:not )?ok.*/gm) ?? [];
  const short = verdicts.map((line) =>
    line.replace(/ \d+ - (the batch )?.*?(\w+)\.test.*/, ' $1$2'),
  );
  return { ...tally.counts, verdicts: short, shown: shown.join('\n') };
}

t.test('each file of a batch has hooks and a verdict of its own', async (t) => {
  const { passed, failed, verdicts, shown } = await run(t, {
    hooked: `let runs = 0; t.beforeEach(() => (runs += 1));\n${PASSES}
      t.test('two', async (t) => t.equal(runs, 2)); t.teardown(() => (globalThis.runs = runs));`,
    wrong: "t.test('one', async (t) => t.equal(globalThis.runs, 3, 'told'));",
    broken: "import './absent.js';",
    last: PASSES,
  });
  t.same(verdicts, ['ok hooked', 'not ok wrong', 'not ok broken', 'ok last']);
  t.same({ passed, failed }, { passed: 3, failed: 2 });
  t.match(shown, /not ok 1 - told[\s\S]*absent\.js/);
});

t.test('files that a batch does not come to have failed', async (t) => {
  const { passed, failed, verdicts } = await run(t, {
    first: PASSES,
    ends: "t.test('one', async () => process.exit(0));",
    never: PASSES,
  });
  t.match(verdicts, ['ok first', 'not ok ends', 'not ok never']);
  t.ok(passed === 1 && failed >= 2, `${passed} passed, ${failed} failed`);
});

t.test('a batch fails whose files pass and whose process does not', async (t) => {
  const text = `${PASSES}\nprocess.once('exit', () => process.reallyExit(3));`;
  const { failed, verdicts } = await run(t, { first: PASSES, second: text });
  t.same(verdicts, ['ok first', 'ok second', 'not ok the batch first']);
  t.equal(failed, 1);
});

t.test('a file that can start a process, or that replaces a clock, is in no batch', async (t) => {
  const together = ['dev/testing/tap-tally.test.ts', 'dev/testing/find-in-files.test.ts'];
  const starts = ['dev/testing/batches.test.ts', 'services/store/store.test.ts'];
  const replaces = 'services/edge/lifecycle/void-queues.test.ts';
  const { batches, alone } = makeBatches([...together, ...starts, replaces]);
  t.same(batches, [together.toSorted()]);
  t.same(alone, [...starts, replaces]);
});
