import t from 'tap';
import { findCrowdedFolders, findStrayTests } from './folder-rules.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path, text: '' }));
const many = (count: number, name: (index: number) => string) =>
  files(...Array.from({ length: count }, (_, index) => name(index)));

t.test('a folder with more than 20 production files is found', async (t) => {
  const full = many(20, (index) => `shared/protocol/a${index}.ts`);
  t.same(findCrowdedFolders(full), []);
  t.same(findCrowdedFolders([...full, ...files('shared/protocol/b.mjs')]), [
    'shared/protocol holds 21 files, allowed 20',
  ]);
});

t.test('tests, stages, migrations, documents and other folders do not fill a folder', async (t) => {
  const full = many(20, (index) => `shared/protocol/a${index}.ts`);
  const others = files(
    'shared/protocol/a.test.ts',
    'shared/protocol/socket-stage.ts',
    'shared/protocol/notes.md',
    'shared/protocol/stage/a.ts',
    'shared/a.ts',
    'shared/protocol/migrations/0001-a.ts',
  );
  const migrations = many(21, (index) => `services/migrations/00${index + 10}-tables.ts`);
  t.same(findCrowdedFolders(migrations), []);
  const unnumbered = many(21, (index) => `services/migrations/tables-${index}.ts`);
  t.equal(findCrowdedFolders(unnumbered).length, 1);
  t.same(findCrowdedFolders([...full, ...others]), []);
});

t.test('the files of test/ that are not tests fill a folder', async (t) => {
  t.same(findCrowdedFolders(many(21, (index) => `test/a${index}.test.ts`)), []);
  t.equal(findCrowdedFolders(many(21, (index) => `test/stage/a${index}.ts`)).length, 1);
});

t.test('a test without its file is found, unless it stands in test/ itself', async (t) => {
  t.same(findStrayTests(files('dev/a.ts', 'dev/a.test.ts', 'test/b.test.ts')), []);
  t.same(findStrayTests(files('shared/a.ts', 'shared/nats/a.test.ts')), [
    'shared/nats/a.test.ts has no a.ts beside it',
  ]);
  t.equal(findStrayTests(files('test/a.ts', 'test/tidy/a.test.ts')).length, 1);
});
