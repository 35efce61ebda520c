import t from 'tap';
import { findImportCircles } from './import-circles.ts';
import { sourcesOf } from './read-tree.ts';

const found = (tree: Record<string, string>) =>
  findImportCircles(sourcesOf(Object.entries(tree).map(([path, text]) => ({ path, text }))));

t.test('a circle of imports is found, and reported as the path around it', async (t) => {
  const tree = {
    'shared/a.ts': "import { b } from './nats/b.ts';",
    'shared/nats/b.ts': "export { c } from '../c.ts';",
    'shared/c.ts': "const a = await import('./a.ts');",
  };
  t.same(found(tree), ['shared/a.ts → shared/nats/b.ts → shared/c.ts → shared/a.ts']);
});

t.test('a circle of types is found', async (t) => {
  const tree = {
    'shared/a.ts': "import type { B } from './b.ts';",
    'shared/b.ts': "import { type A } from './a.ts';",
  };
  t.equal(found(tree).length, 1);
  t.equal(found({ 'shared/a.ts': "type A = import('./a.ts').A;" }).length, 1);
});

t.test('two circles apart from each other are both found', async (t) => {
  const pair = (one: string, other: string) => ({
    [`dev/${one}.ts`]: `import './${other}.ts';`,
    [`dev/${other}.ts`]: `import './${one}.ts';`,
  });
  t.equal(found({ ...pair('a', 'b'), ...pair('c', 'd') }).length, 2);
});

t.test('two ways to one file, packages and what is not there are no circle', async (t) => {
  const tree = {
    'shared/a.ts': "import './b.ts'; import './c.ts'; import 'nats'; import './gone.ts';",
    'shared/b.ts': "import './d.ts';",
    'shared/c.ts': "import './d.ts';",
    'shared/d.ts': "// import './a.ts';",
  };
  t.same(found(tree), []);
});
