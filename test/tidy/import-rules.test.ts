import t from 'tap';
import { findBadImports, findSocketImports, type Packages } from './import-rules.ts';
import { sourcesOf } from './read-tree.ts';

const findIn = (path: string, text: string, packages: Packages) =>
  sourcesOf([{ path, text }]).flatMap((file) => findBadImports(file, packages));

t.test('imports against the arrow are found', async (t) => {
  const packages = { production: new Set(['nats']), all: new Set(['nats', 'tap']) };
  const found = (path: string, specifier: string) =>
    findIn(path, `import { a } from '${specifier}';`, packages).length;
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
    ['web/src/a.tsx', '../../shared/b.ts'],
    ['services/edge/a.ts', '../../web/src/b.ts'],
    ['bench/a.ts', '../test/b.ts'],
  ];
  for (const [path, specifier] of bad) t.equal(found(path, specifier), 1, `${path} ${specifier}`);
  const good: [string, string][] = [
    ['services/edge/main.ts', './edge.ts'],
    ['services/edge/a.ts', './operations/b.ts'],
    ['web/src/a.tsx', '../../clients/js/src/b.ts'],
    ['web/src/a.tsx', './b.tsx'],
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
      findIn('shared/a.ts', text, packages).map((problem) => problem.split(': ')[1]);
    t.same(found("import 'tap';"), ['tap']);
    t.same(found("const a = await import('tap');"), ['tap']);
    t.same(found("export * from 'tap';"), ['tap']);
    t.same(found("Buffer.from('tap'); Array.from('a');"), []);
  },
);

t.test('the socket library may have one importer, in edge', async (t) => {
  const found = (...paths: string[]) =>
    findSocketImports(
      sourcesOf(paths.map((path) => ({ path, text: "import uws from 'uWebSockets.js';" }))),
    );
  t.same(found('services/edge/a.ts', 'services/edge/a.test.ts'), []);
  t.equal(found('services/edge/a.ts', 'services/edge/b.ts').length, 1);
  t.equal(found('bench/a.ts').length, 1);
});
