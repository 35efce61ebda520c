// This plain Node script joins the modules of packages into a file or two each, and puts them into
// the `node_modules` of a compiled folder, whose files find them there first:
//   node dev/join-packages.mjs services|tests
// A process spends most of its start on a package of hundreds of modules. Only packages of ES
// modules can be joined, because those of CommonJS would lose the names of their exports.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Stack traces of tests leave out what is in such a folder. */
const UNTRACED = 'node_modules/@tapjs';
const FOLDERS = {
  services: {
    folder: 'dist',
    packages: { typebox: ['index', 'compile', 'system'], kysely: ['index'] },
  },
  tests: { folder: 'dist/tests', packages: { tap: ['index'] }, inside: UNTRACED },
};

const { folder, packages, inside = '.' } = FOLDERS[process.argv[2]];
for (const [name, entries] of Object.entries(packages)) await joinPackage(name, entries);

/** Does nothing if the same entries of the same version have been joined. */
async function joinPackage(name, entries) {
  const place = join(folder, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'));
  const exports = entries.map((entry) => [
    entry === 'index' ? '.' : `./${entry}`,
    `./${entry}.mjs`,
  ]);
  const manifest = JSON.stringify({
    ...{ name, version, type: 'module' },
    exports: Object.fromEntries(exports),
    // A package that was joined without `replaceDefault` must be joined again.
    ...(inside !== '.' && { hasReplaceDefault: true }),
  });
  const manifestPath = join(place, 'package.json');
  if (existsSync(manifestPath) && readFileSync(manifestPath, 'utf8') === manifest) return;
  // A process that starts meanwhile finds the whole package, or the one that is installed.
  const made = `${place}-${process.pid}`;
  await build({
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, pathOf(name, entry)])),
    ...{ outdir: join(made, inside), outExtension: { '.js': '.mjs' }, logLevel: 'error' },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
    // Some packages require modules of Node.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`,
    },
  });
  for (const entry of inside === '.' ? [] : entries) {
    writeFileSync(join(made, `${entry}.mjs`), changeable(`./${inside}/${entry}.mjs`));
  }
  writeFileSync(join(made, 'package.json'), manifest);
  rmSync(place, { recursive: true, force: true });
  renameSync(made, place);
}

/**
 * Returns a module that exports what the module at this path does, and `replaceDefault`. That
 * function lets each of several test files that share a process have a root test of its own.
 */
function changeable(path) {
  return `export * from '${path}';
import original from '${path}';
let current = original;
export { current as default };
export function replaceDefault(next) { current = next; }
`;
}

function pathOf(name, entry) {
  const specifier = entry === 'index' ? name : `${name}/${entry}`;
  return fileURLToPath(import.meta.resolve(specifier));
}
