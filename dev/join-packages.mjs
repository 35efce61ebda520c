// This plain Node script joins the modules of packages into a file or two each, and puts them into
// the `node_modules` of a compiled folder, whose files find them there first:
//   node dev/join-packages.mjs services|tests
// A process spends most of its start on packages of many modules. esbuild does not see the names
// that a package of CommonJS exports, so this script loads such a package and lists them.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
/** Stack traces of tests leave out what is in such a folder. */
const UNTRACED = 'node_modules/@tapjs';
const FOLDERS = {
  services: {
    folder: 'dist',
    packages: { typebox: ['index', 'compile', 'system'], kysely: ['index'], jose: ['index'] },
    commonJs: ['cockatiel', 'ioredis', 'nats', 'pg', 'prom-client', 'undici'],
  },
  tests: { folder: 'dist/tests', packages: { tap: ['index'] }, inside: UNTRACED },
};

const OPTIONS = {
  ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error' },
  // Some packages require modules of Node.
  banner: {
    js: `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`,
  },
};
/** Packages look for these and do without them. */
const OPTIONAL = ['pg-native', 'pg-cloudflare'];

const { folder, packages, commonJs = [], inside = '.' } = FOLDERS[process.argv[2]];
for (const [name, entries] of Object.entries(packages)) await joinPackage(name, entries);
for (const name of commonJs) await joinCommonJs(name);

async function joinPackage(name, entries) {
  const exports = entries.map((entry) => [
    entry === 'index' ? '.' : `./${entry}`,
    `./${entry}.mjs`,
  ]);
  const manifest = {
    exports: Object.fromEntries(exports),
    // A package that was joined without `replaceDefault` must be joined again.
    ...(inside !== '.' && { hasReplaceDefault: true }),
  };
  await place(name, manifest, async (made) => {
    await build({
      entryPoints: Object.fromEntries(entries.map((entry) => [entry, pathOf(name, entry)])),
      ...{ outdir: join(made, inside), outExtension: { '.js': '.mjs' }, splitting: true },
      ...OPTIONS,
    });
    for (const entry of inside === '.' ? [] : entries) {
      writeFileSync(join(made, `${entry}.mjs`), changeable(`./${inside}/${entry}.mjs`));
    }
  });
}

async function joinCommonJs(name) {
  await place(name, { exports: { '.': './index.mjs' } }, async (made) => {
    const path = require.resolve(name);
    const names = Object.keys(require(name)).filter((key) => key !== 'default');
    const contents = `const joined = require(${JSON.stringify(path)});
export const { ${names.join(', ')} } = joined;
export { joined as default };
`;
    await build({
      ...{ stdin: { contents, resolveDir: '.' }, outfile: join(made, 'index.mjs') },
      ...OPTIONS,
      external: OPTIONAL,
    });
  });
}

/**
 * Puts a package with this manifest in its place. Does nothing if the same entries of the same
 * version have been joined.
 */
async function place(name, more, make) {
  const target = join(folder, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'));
  const manifest = JSON.stringify({ ...{ name, version, type: 'module' }, ...more });
  const manifestPath = join(target, 'package.json');
  if (existsSync(manifestPath) && readFileSync(manifestPath, 'utf8') === manifest) return;
  // A process that starts meanwhile finds the whole package, or the one that is installed.
  const made = `${target}-${process.pid}`;
  await make(made);
  writeFileSync(join(made, 'package.json'), manifest);
  rmSync(target, { recursive: true, force: true });
  renameSync(made, target);
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
