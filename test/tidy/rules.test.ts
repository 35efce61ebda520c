import t from 'tap';
import { findBadImports, findSocketImports } from './import-rules.ts';
import { sourcesOf } from './read-tree.ts';
import { findOversize } from './size-rules.ts';
import { findBadName, findForbiddenText, findMachineTraces } from './text-rules.ts';

/**
 * These tests check that the rules find what they are meant to find. Each bad text here would fail
 * the tidy test.
 */
const source = (path: string, text: string) => {
  const [file] = sourcesOf([{ path, text }]);
  if (file === undefined) throw new Error(`${path} is no source`);
  return file;
};

t.test('forbidden text is found, and only where it is code or a comment', async (t) => {
  const found = (text: string, path = 'shared/a.ts') =>
    findForbiddenText(source(path, text)).length;
  const bad = [
    'a(process.env.A);',
    'const { env } = process;',
    'try { a(); } catch (error) {}',
    'try { a(); } catch { /* so what */ }',
    'a().catch(() => {});',
    'console.log(1);',
    'let a: any;',
    'a as any;',
    'let a: Record<string, any[]>;',
    'debugger;',
    'export default a;',
    't.only(1);',
    't.skip(1);',
    '// TODO: b',
    '// @ts-ignore',
    'class QueueManager {}',
    'type StringUtils = A;',
  ];
  for (const text of bad) t.equal(found(text), 1, text);
  const good = [
    "a('process.env, console.log, TODO, any');",
    'Promise.any(a);',
    'try { a(); } catch (error) { b(error); }',
    'type Managers = A;',
    'const [any] = a;',
  ];
  for (const text of good) t.equal(found(text), 0, text);
  t.equal(found('a(process.env);', 'services/edge/main.ts'), 0);
  t.equal(found('a(process.env);', 'services/store/migrate-main.ts'), 0);
});

t.test('imports against the arrow are found', async (t) => {
  const packages = { production: new Set(['nats']), all: new Set(['nats', 'tap']) };
  const found = (path: string, specifier: string) =>
    findBadImports(source(path, `import { a } from '${specifier}';`), packages).length;
  const bad: [string, string][] = [
    ['services/edge/a.ts', '../store/b.ts'],
    ['shared/a.ts', '../services/edge/b.ts'],
    ['shared/a.ts', '../dev/b.ts'],
    ['services/edge/a.ts', '../../dev/b.ts'],
    ['services/edge/a.ts', './b.test.ts'],
    ['services/edge/a.ts', './main.ts'],
    ['services/edge/main.ts', './hub.ts'],
    ['services/edge/a.ts', './b'],
    ['services/edge/a.ts', 'tap'],
    ['services/edge/a.ts', 'nats-other'],
    ['clients/js/a.ts', '../../shared/b.ts'],
    ['bench/a.ts', '../test/b.ts'],
  ];
  for (const [path, specifier] of bad) t.equal(found(path, specifier), 1, `${path} ${specifier}`);
  const good: [string, string][] = [
    ['services/edge/main.ts', './edge.ts'],
    ['services/edge/a.ts', './operations/b.ts'],
    ['services/edge/a.ts', '../../shared/b.ts'],
    ['services/edge/a.ts', 'nats'],
    ['services/edge/a.ts', 'node:fs'],
    ['services/edge/a.test.ts', '../../dev/testing/test-servers.ts'],
    ['services/edge/a.test.ts', 'tap'],
    ['test/a.test.ts', '../services/edge/edge.ts'],
  ];
  for (const [path, specifier] of good) t.equal(found(path, specifier), 0, `${path} ${specifier}`);
});

t.test(
  'imports for an effect or at run time are found, and a method named from is not',
  async (t) => {
    const packages = { production: new Set<string>(), all: new Set<string>() };
    const found = (text: string) =>
      findBadImports(source('shared/a.ts', text), packages).map(
        (problem) => problem.split(': ')[1],
      );
    t.same(found("import 'tap';"), ['tap']);
    t.same(found("const a = await import('tap');"), ['tap']);
    t.same(found("export * from 'tap';"), ['tap']);
    t.same(found("Buffer.from('tap'); Array.from('a');"), []);
  },
);

t.test('the socket library may have one importer, in edge', async (t) => {
  const of = (path: string) => source(path, "import uws from 'uWebSockets.js';");
  t.same(findSocketImports([of('services/edge/a.ts'), of('services/edge/a.test.ts')]), []);
  t.equal(findSocketImports([of('services/edge/a.ts'), of('services/edge/b.ts')]).length, 1);
  t.equal(findSocketImports([of('bench/a.ts')]).length, 1);
});

t.test('files, functions and lines that are too large are found', async (t) => {
  const found = (text: string, path = 'shared/a.ts') => findOversize(source(path, text)).length;
  t.equal(found('a;\n'.repeat(400)), 0);
  t.equal(found('a;\n'.repeat(401)), 1);
  t.equal(found('a;\n'.repeat(31), 'services/edge/main.ts'), 1);
  t.equal(found(`a(${'b'.repeat(97)});\n`), 1);
  t.equal(found(`function f() {\n${'a();\n'.repeat(68)}}\n`), 0);
  t.equal(found(`function f() {\n${'a();\n'.repeat(69)}}\n`), 1);
  t.equal(found('function f(a: A, b: B, c: C, d: D) {}\n'), 1);
});

t.test('bad file names and traces of a machine are found', async (t) => {
  const named = (path: string) => findBadName({ path, text: '' }).length;
  for (const path of ['shared/aB.ts', 'shared/a_b.ts', 'shared/string-utils.ts', 'a/helper.ts']) {
    t.equal(named(path), 1, path);
  }
  for (const path of ['README.md', 'Dockerfile', 'a/0001-tables.ts', 'a/a-b.test.ts']) {
    t.equal(named(path), 0, path);
  }
  const traces = (text: string) => findMachineTraces({ path: 'README.md', text }).length;
  for (const name of ['work', 'root', 'home']) t.equal(traces(`cd /${name}/x`), 1);
  t.equal(traces(['https://registry', 'npmjs', 'org'].join('.')), 1);
  t.equal(traces('node_modules/work/a ./home/b'), 0);
});
