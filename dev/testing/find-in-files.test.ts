import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findInFiles, formsOf } from './find-in-files.ts';

const TEXT = 'a-text-to-find';
const dir = mkdtempSync(join(tmpdir(), 'kaha-find-'));
t.teardown(() => rmSync(dir, { recursive: true }));
mkdirSync(join(dir, 'below'));
const path = join(dir, 'below', 'file');

t.test('a text is found as it is, in hexadecimal, and in base64 at any place', async (t) => {
  for (const before of ['', 'x', 'xy', 'xyz', 'xyz!']) {
    const around = Buffer.from(`${before}${TEXT}${before}`);
    for (const encoding of ['latin1', 'hex', 'base64'] as const) {
      writeFileSync(path, around.toString(encoding));
      t.same(findInFiles(dir, formsOf(TEXT)), [path], `${encoding} behind "${before}"`);
    }
  }
});

t.test('another text is not found', async (t) => {
  writeFileSync(path, Buffer.from('a-text-to-hide').toString('base64'));
  t.same(findInFiles(dir, formsOf(TEXT)), []);
});
