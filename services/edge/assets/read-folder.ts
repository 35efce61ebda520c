import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, posix, relative, sep } from 'node:path';
import type { Asset } from './assets.ts';

/** A file of a folder, before anybody says under which headers it is served. */
type FolderFile = Omit<Asset, 'headers'>;

/** Only files with these endings are served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
};
/** The build puts a hash of what a file holds into its name. */
const HASHED = /-[A-Z0-9]{8}\.\w+$/;

/**
 * Reads all files below a folder that a build has made. `page.js.br` and `page.js.gz` are
 * `page.js`, compressed. Throws if the folder is not there.
 */
export function readFolder(folder: string): FolderFile[] {
  if (!existsSync(folder)) {
    throw new Error(`${folder} is not there; "npm run build" makes it`);
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      const type = TYPES[extname(file)];
      const path = posix.join('/', ...relative(folder, file).split(sep));
      return type === undefined ? [] : [readOne(file, { path, type })];
    });
}

function readOne(file: string, { path, type }: { path: string; type: string }): FolderFile {
  const compressed: { br?: Buffer; gzip?: Buffer } = {};
  if (existsSync(`${file}.br`)) compressed.br = readFileSync(`${file}.br`);
  if (existsSync(`${file}.gz`)) compressed.gzip = readFileSync(`${file}.gz`);
  return { path, type, bytes: readFileSync(file), compressed, isImmutable: HASHED.test(path) };
}
