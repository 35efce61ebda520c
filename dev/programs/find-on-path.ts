import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Returns the path of a program that can be executed, or undefined if it is nowhere. The given
 * folders come first, then PATH, and then those where Debian puts programs, which PATH may lack.
 */
export function findOnPath(program: string, first: readonly string[] = []): string | undefined {
  const folders = [...first, ...pathFolders(program)];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** The shell knows PATH. */
function pathFolders(program: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  const found = stdout.trim() === '' ? [] : [dirname(stdout.trim())];
  return [...found, '/usr/bin', '/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
