import { readFileSync } from 'node:fs';

/**
 * Returns the process and all its descendants. Postgres works in children of the process that the
 * stack knows.
 */
function processTree(pid: number): number[] {
  try {
    const path = `/proc/${pid}/task/${pid}/children`;
    const children = readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    return [pid, ...children.flatMap(processTree)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Signals the process and its descendants. The process comes first, so that it makes no new
 * children meanwhile.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const one of processTree(pid)) {
    try {
      process.kill(one, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
