import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { writeCompressed } from '../compress.mjs';

/**
 * Builds the viewer of `/docs` into `dist/docs`: one page, one script and one style, compressed
 * too. The viewer's package is large, so nothing is built again while nothing has changed.
 */
const root = import.meta.dirname;
const viewer = join(root, '..', '..', 'node_modules', 'swagger-ui-dist');
const outdir = join(root, '..', '..', 'dist', 'docs');
const sources = ['build.mjs', 'docs.css', 'index.html', 'start.mjs', '../compress.mjs'];

const hash = createHash('sha256');
for (const file of [...sources.map((name) => join(root, name)), join(viewer, 'package.json')])
  hash.update(readFileSync(file));
const made = hash.digest('hex');
const mark = join(outdir, 'made-of');
if (!existsSync(mark) || readFileSync(mark, 'utf8') !== made) await make();

async function make() {
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const { metafile } = await build({
    entryPoints: [
      { in: 'start.mjs', out: 'viewer' },
      { in: 'docs.css', out: 'viewer' },
    ],
    absWorkingDir: root,
    outdir,
    bundle: true,
    minify: true,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    entryNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const addressOf = (entry) => {
    const outputs = Object.entries(metafile.outputs);
    const [path] = outputs.find(([, output]) => output.entryPoint === entry);
    return `/docs/${basename(path)}`;
  };
  const index = readFileSync(join(root, 'index.html'), 'utf8')
    .replace('{{script}}', addressOf('start.mjs'))
    .replace('{{style}}', addressOf('docs.css'));
  writeFileSync(join(outdir, 'index.html'), index);
  // The licence of the viewer, Apache 2.0, wants to go with it.
  for (const name of ['LICENSE', 'NOTICE', 'swagger-ui-es-bundle.js.LICENSE.txt'])
    copyFileSync(join(viewer, name), join(outdir, name));
  writeCompressed(outdir);
  writeFileSync(mark, made);
}
