import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { writeCompressed } from './compress.mjs';

/**
 * Builds the page: `node web/build.mjs [folder]`. The folder gets `index.html`, and under `assets`
 * the program, the styles and the icon. Their names have a hash of what they hold, so browsers keep
 * them for ever. Beside `index.html` stands the service worker, which shows pushes. Each file that
 * compresses well stands there compressed too.
 */
const root = import.meta.dirname;
const outdir = process.argv[2] ?? join(root, '..', 'dist', 'web');

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
const { metafile } = await build({
  entryPoints: [
    { in: 'src/main.tsx', out: 'page' },
    { in: 'styles/page.css', out: 'page' },
    { in: 'icon.svg', out: 'icon' },
  ],
  absWorkingDir: root,
  outdir: join(outdir, 'assets'),
  bundle: true,
  minify: true,
  metafile: true,
  format: 'esm',
  target: 'es2022',
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'copy' },
  legalComments: 'none',
  logLevel: 'warning',
});

// A service worker serves the folder that it stands in, and keeps its name.
await build({
  entryPoints: { 'push-worker': 'src/push-worker/push-worker.ts' },
  ...{ absWorkingDir: root, outdir, bundle: true, minify: true, format: 'iife' },
  ...{ target: 'es2022', legalComments: 'none', logLevel: 'warning' },
});

/** Returns the address of what was built from this entry. */
const addressOf = (entry) => {
  const [path] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === entry);
  return `assets/${basename(path)}`;
};
const index = readFileSync(join(root, 'index.html'), 'utf8')
  .replace('{{script}}', addressOf('src/main.tsx'))
  .replace('{{style}}', addressOf('styles/page.css'))
  .replace('{{icon}}', addressOf('icon.svg'));
writeFileSync(join(outdir, 'index.html'), index);
writeCompressed(outdir);
