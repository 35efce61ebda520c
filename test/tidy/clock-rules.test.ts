import t from 'tap';
import { findClocks, findIdleExceptions } from './clock-rules.ts';
import { sourcesOf } from './read-tree.ts';

const found = (path: string, text: string) => sourcesOf([{ path, text }]).flatMap(findClocks);

t.test('production code that reads a clock of the host is found', async (t) => {
  const reads = ['Date.now()', 'new Date()', 'performance.now()', 'process.hrtime()'];
  for (const read of reads) {
    t.equal(found('services/edge/a.ts', `a();\nb(${read});`).length, 1, read);
    t.equal(found('shared/a.ts', read).length, 1, read);
  }
  t.same(found('shared/a.ts', 'a();\nb(Date.now());'), [
    'shared/a.ts:2 Date.now: durations are by steadyMs()',
  ]);
});

t.test('a file of the list may read the wall clock, and no other clock', async (t) => {
  const path = 'services/edge/tokens/token-verifier.ts';
  t.same(found(path, 'Date.now()'), []);
  t.equal(found(path, 'performance.now()').length, 1);
});

t.test('tests, stages, other folders, comments and other dates are free', async (t) => {
  for (const path of ['shared/a.test.ts', 'services/a/stage/b.ts', 'bench/a.ts', 'dev/a.ts']) {
    t.same(found(path, 'Date.now()'), [], path);
  }
  t.same(found('shared/process/clock.ts', 'performance.now()'), []);
  t.same(found('shared/a.ts', "// Date.now()\nnew Date(0); 'Date.now()'; Date.parse(a);"), []);
});

t.test('an exception that no file needs is found', async (t) => {
  const path = 'services/edge/tokens/token-verifier.ts';
  const all = findIdleExceptions([]).length;
  t.equal(findIdleExceptions(sourcesOf([{ path, text: 'Date.now()' }])).length, all - 1);
});
