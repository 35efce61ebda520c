import { posix } from 'node:path';
import type { TextFile } from './read-tree.ts';
import { isTest } from './text-rules.ts';

const PRODUCTION_FILES_MAX = 20;
const TEST = /\.test\.ts$/;
/** A released migration stays, so their number can only rise. */
const MIGRATION = /\/migrations\/\d{4}-/;

/**
 * Finds folders that hold too many files to be about one thing. Tests, stages and migrations do not
 * count.
 */
export function findCrowdedFolders(files: readonly TextFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    if (!/\.(?:tsx?|mjs|js)$/.test(path) || isAside(path) || MIGRATION.test(path)) continue;
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > PRODUCTION_FILES_MAX)
    .map(([folder, count]) => `${folder} holds ${count} files, allowed ${PRODUCTION_FILES_MAX}`);
}

/**
 * Finds tests that no file of their name stands beside. The tests that stand in `test/` itself are
 * exempt, because they test what no single file does. Those in its folders are not exempt.
 */
export function findStrayTests(files: readonly TextFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  return [...paths]
    .filter((path) => TEST.test(path) && posix.dirname(path) !== 'test')
    .filter((path) => !paths.has(path.replace(TEST, '.ts')))
    .map((path) => `${path} has no ${posix.basename(path).replace(TEST, '.ts')} beside it`);
}

/** All of `test/` belongs to tests, so a stage counts there like any other file. */
function isAside(path: string): boolean {
  return path.startsWith('test/') ? TEST.test(path) : isTest(path);
}
