import t from 'tap';
import { findDeadPaths, findOversizeDocument } from './doc-rules.ts';

const TREE = [
  'README.md',
  'docs/a.md',
  'docs/decisions/b.md',
  'services/edge/api/c.ts',
  'dev/d.ts',
  'docs/pictures/e.png',
];
const dead = (text: string, path = 'docs/e.md') => findDeadPaths([{ path, text }], [...TREE, path]);

t.test('a link to a file that is not there is found, with its line', async (t) => {
  t.same(dead('\n[a](gone.md)'), ['docs/e.md:2 links to gone.md, which is no file']);
  for (const target of ['../docs/gone.md', 'gone.md#part', 'decisions/a.md', 'docs/a.md']) {
    t.equal(dead(`[a](${target})`).length, 1, target);
  }
});

t.test('a link to a file, a folder or elsewhere is accepted', async (t) => {
  const targets = [
    'pictures/e.png',
    'a.md',
    './a.md#part',
    '../README.md',
    'decisions/',
    'decisions',
    '#part',
  ];
  for (const target of [...targets, 'https://example.org/a.md', 'mailto:a@example.org']) {
    t.same(dead(`[a](${target})`), [], target);
  }
});

t.test('a quoted path of a file that is not there is found', async (t) => {
  for (const path of ['services/edge/c.ts', 'edge/c.ts', 'docs/gone.md', 'test/gone.test.ts']) {
    t.equal(dead(`See \`${path}\`.`).length, 1, path);
  }
});

t.test('a quoted path may begin at the root, at services/ or beside its document', async (t) => {
  for (const path of ['services/edge/api/c.ts', 'edge/api/c.ts', 'dev/d.ts', 'decisions/b.md']) {
    t.same(dead(`See \`${path}\`.`), [], path);
  }
});

t.test('what is no path of a file, or comes into being later, is accepted', async (t) => {
  const quotes = [
    'a.ts',
    'k8s/<name>.yaml',
    'edge/api',
    'text/plain',
    'dist/services/a.js',
    '/a/b.ts',
  ];
  for (const quote of quotes) t.same(dead(`See \`${quote}\`.`), [], quote);
  t.same(dead('```\n`dev/gone.ts` [a](gone.md)\n```'), []);
  t.same(dead('// `dev/gone.ts`', 'dev/e.ts'), []);
});

t.test('the architecture has at most 120 lines of 120 columns, rows of tables 160', async (t) => {
  const found = (text: string, path = 'ARCHITECTURE.md') => findOversizeDocument({ path, text });
  t.same(found(`${'a'.repeat(120)}\n|${'a'.repeat(159)}\n${'a\n'.repeat(118)}`), []);
  t.same(found('a\n'.repeat(121)), ['ARCHITECTURE.md has 121 lines']);
  t.same(found(`a\n${'a'.repeat(121)}\n`), ['ARCHITECTURE.md:2 line has 121 columns']);
  t.equal(found(`|${'a'.repeat(160)}\n`).length, 1);
  t.same(found('a\n'.repeat(121), 'README.md'), []);
});
