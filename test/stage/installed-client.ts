import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';

const SOURCE = 'clients/js';

type Installed = {
  /** An application has this folder. */
  project: string;
  /** The package is installed here. */
  dir: string;
  /** The package is published as this file. */
  tarball: string;
};

const run = promisify(execFile);

/**
 * Builds and packs the client, and installs it in the project of a stranger, beside these packages
 * of ours.
 */
export async function installClient(
  t: Pick<Test, 'teardown'>,
  ...packages: readonly string[]
): Promise<Installed> {
  const project = mkdtempSync(join(tmpdir(), 'kaha-package-'));
  t.teardown(() => rmSync(project, { recursive: true, force: true }));
  const packed = join(project, 'packed');
  mkdirSync(packed);
  for (const file of ['package.json', 'README.md']) {
    copyFileSync(join(SOURCE, file), join(packed, file));
  }
  await run(process.execPath, [join(SOURCE, 'build.mjs'), join(packed, 'dist')]);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', project];
  const [{ filename }] = JSON.parse((await run('npm', pack, { cwd: packed })).stdout);
  const tarball = join(project, filename);
  const modules = join(project, 'node_modules');
  const dir = join(modules, '@kaha/chat-client');
  mkdirSync(dir, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', dir, '--strip-components=1']);
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(modules, name));
  }
  return { project, dir, tarball };
}
