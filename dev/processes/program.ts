import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IS_COMPILED = import.meta.url.endsWith('.js');

/**
 * What node is given to run a TypeScript file of ours, by its path from the root, as it runs us:
 * what it was compiled to where we are compiled ourselves, and otherwise itself, through tsx.
 */
export function programArgs(path: string): string[] {
  if (!IS_COMPILED) return ['--import=tsx', path];
  return ['--enable-source-maps', join(ROOT, path.replace(/\.ts$/, '.js'))];
}
