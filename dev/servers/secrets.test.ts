import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readSecrets } from './secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'kaha-secrets-'));
t.teardown(() => rmSync(dir, { recursive: true }));

t.test('secrets are made once, and a folder of before gets what it lacks', async (t) => {
  const first = readSecrets(dir);
  t.ok(Object.values(first).every((secret) => secret.length >= 24));
  t.ok(first.edgeServiceToken.length >= 32, 'edges take it');
  t.same(readSecrets(dir), first);
  const path = join(dir, 'secrets.json');
  const { edgeServiceToken: _, ...before } = first;
  writeFileSync(path, JSON.stringify(before));
  const again = readSecrets(dir);
  t.match(again, before, 'what is encrypted stays readable');
  t.same(JSON.parse(readFileSync(path, 'utf8')), again);
});
