import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IS_COMPILED = import.meta.url.endsWith('.js');

/**
 * Returns the arguments with which node runs a TypeScript file of ours, named by its path from the
 * root. If this code is compiled, node runs the compiled file, and otherwise the file itself
 * through tsx.
 */
export function programArgs(path: string): string[] {
  if (!IS_COMPILED) return ['--import=tsx', path];
  return ['--enable-source-maps', join(ROOT, path.replace(/\.ts$/, '.js'))];
}
