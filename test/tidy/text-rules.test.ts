import t from 'tap';
import { sourcesOf } from './read-tree.ts';
import { findBadName, findForbiddenText, findMachineTraces } from './text-rules.ts';

t.test('forbidden text is found, and only where it is code or a comment', async (t) => {
  const found = (text: string, path = 'shared/a.ts') =>
    sourcesOf([{ path, text }]).flatMap(findForbiddenText).length;
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
