import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskSource } from './mask-source.ts';

export type TextFile = { path: string; text: string };
/** A source file is a code file with its masked parts. */
export type SourceFile = TextFile & { code: string; comments: string };

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.data', '.run', '.tap']);
const CODE = /\.(?:tsx?|mjs|js)$/;
/** A file that is longer than this, or has a NUL, was not written by hand. */
const BYTES_MAX = 512 * 1024;

/** Returns the path of every file below `root`, sorted and relative to it. Logs are left out. */
export function listTree(root: string): string[] {
  return walk(root, '');
}

/** Returns every text file among the paths that `listTree` returns. */
export function readTree(root: string): TextFile[] {
  return listTree(root)
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => text.length <= BYTES_MAX && !text.includes('\0'));
}

/** Returns the TypeScript and JavaScript files of the tree. */
export function sourcesOf(files: readonly TextFile[]): SourceFile[] {
  return files
    .filter(({ path }) => CODE.test(path))
    .map((file) => ({ ...file, ...maskSource(file.text) }));
}

function walk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name) && !name.endsWith('.log'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return walk(root, path);
      return entry.isFile() ? [path] : [];
    });
}
