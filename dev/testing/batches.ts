import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A batch of this many files holds less than 200 MB, and three batches at a time take few seconds
 * each.
 */
const FILES_PER_BATCH = 40;
/**
 * A file that can reach one of these modules starts processes, or replaces a clock for all files of
 * its process.
 */
const ALONE = /^(?:node:(?:child_process|cluster|test|worker_threads))$/;
const IMPORT = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

/**
 * Tells which test files can share a process, and groups them. A process of its own costs a file
 * three times what its tests cost, most of it for loading modules that others load as well.
 */
export function makeBatches(files: readonly string[]): { batches: string[][]; alone: string[] } {
  const reachesOf = readImports();
  const alone = files.filter((file) => reachesOf(file).some((module) => ALONE.test(module)));
  // Files of one folder import much the same.
  const together = files.filter((file) => !alone.includes(file)).toSorted();
  const batches: string[][] = [];
  for (let at = 0; at < together.length; at += FILES_PER_BATCH) {
    batches.push(together.slice(at, at + FILES_PER_BATCH));
  }
  return { batches, alone };
}

/** Returns a function that lists the modules that a file imports, directly or through others. */
function readImports(): (file: string) => string[] {
  const known = new Map<string, string[]>();
  const importsOf = (file: string): string[] => {
    const imports = known.get(file) ?? importsIn(file);
    known.set(file, imports);
    return imports;
  };
  return (file) => {
    const reached = new Set([file]);
    // A set also iterates over what is added meanwhile.
    for (const module of reached) {
      if (/\.tsx?$/.test(module)) for (const next of importsOf(module)) reached.add(next);
    }
    return [...reached];
  };
}

/** A file that only a text names is not there. */
function importsIn(file: string): string[] {
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name = '']) =>
    name.startsWith('.') ? join(dirname(file), name) : name,
  );
}
