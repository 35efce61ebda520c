import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { countOpenFiles, openFilesMax } from './open-files.ts';

t.test('a process on Linux knows how many files it may open, and how many are open', async (t) => {
  t.ok((openFilesMax() ?? 0) >= 256);
  const before = countOpenFiles() ?? 0;
  const files = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'));
  t.equal(countOpenFiles(), before + 10);
  for (const file of files) closeSync(file);
});
