import t from 'tap';
import { sourcesOf } from './read-tree.ts';
import { findOversize } from './size-rules.ts';

t.test('files, functions and lines that are too large are found', async (t) => {
  const found = (text: string, path = 'shared/a.ts') =>
    sourcesOf([{ path, text }]).flatMap(findOversize).length;
  t.equal(found('a;\n'.repeat(400)), 0);
  t.equal(found('a;\n'.repeat(401)), 1);
  t.equal(found('a;\n'.repeat(31), 'services/edge/main.ts'), 1);
  t.equal(found(`a(${'b'.repeat(97)});\n`), 1);
  t.equal(found(`function f() {\n${'a();\n'.repeat(68)}}\n`), 0);
  t.equal(found(`function f() {\n${'a();\n'.repeat(69)}}\n`), 1);
  t.equal(found('function f(a: A, b: B, c: C, d: D) {}\n'), 1);
});
