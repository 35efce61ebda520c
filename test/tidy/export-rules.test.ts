import t from 'tap';
import { findUnusedExports } from './export-rules.ts';
import { sourcesOf } from './read-tree.ts';

const found = (tree: Record<string, string>) =>
  findUnusedExports(sourcesOf(Object.entries(tree).map(([path, text]) => ({ path, text }))));

t.test('an export that no other file imports is found, whatever it is', async (t) => {
  const bad = [
    'export const a = 1;',
    'export type a = b;',
    'export type a<B> = B;',
    'export interface a {}',
    'export function a() {}',
    'export async function a() {}',
    'export async function* a() {}',
    'export function* a() {}',
    'export class a {}',
    'export abstract class a {}',
    'const a = 1;\nexport { a };',
    'export { b as a };',
    "export { a } from 'nats';",
  ];
  for (const text of bad) {
    t.equal(found({ 'shared/a.ts': text }).length, 1, text);
    t.same(found({ 'shared/a.ts': text, 'dev/b.ts': "import { a } from '../shared/a.ts';" }), []);
  }
  t.same(found({ 'shared/a.ts': 'b;\nexport type A = 1;' }), [
    'shared/a.ts:2 no other file uses the export A',
  ]);
});

t.test('an import in any form uses the export, and so does one of a test', async (t) => {
  const good = [
    "import { b, a } from './a.ts';",
    "import {\n  type a,\n} from './a.ts';",
    "import type { a } from './a.ts';",
    "import { a as b } from './a.ts';",
    "import c, { a } from './a.ts';",
    "export { a } from './a.ts';\n",
    "import * as b from './a.ts';",
    "const { a } = await import('./a.ts');",
    "type B = import('./a.ts').a;",
  ];
  const used = { 'shared/a.ts': 'export const a = 1;' };
  for (const text of good) {
    t.notMatch(found({ ...used, 'shared/b.ts': text }).join(), /shared\/a\.ts/, text);
    t.same(found({ ...used, 'shared/a.test.ts': text.replace('export', 'import') }), [], text);
  }
});

t.test('an import of another name, of another file or in a comment does not', async (t) => {
  const bad = [
    "import { b as a } from './a.ts';",
    "import { ab } from './a.ts';",
    "import './a.ts';",
    "import { a } from './c.ts';",
    "// import { a } from './a.ts';",
    'const a = 1;',
  ];
  for (const text of bad) {
    t.equal(found({ 'shared/a.ts': 'export const a = 1;', 'shared/b.ts': text }).length, 1, text);
  }
});
