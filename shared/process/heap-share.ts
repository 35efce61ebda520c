import { getHeapStatistics } from 'node:v8';

/**
 * Returns this part of the heap that the process may use, or `bytesMax` where that is less. So a
 * bound in bytes fits into whatever memory a process is given: with `--max-old-space-size=96`, a
 * bound of an eighth is 18 MiB.
 */
export function heapShare(part: number, bytesMax: number): number {
  return Math.min(bytesMax, Math.floor(getHeapStatistics().heap_size_limit * part));
}
