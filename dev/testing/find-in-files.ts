import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The bytes as which a text could be stored: its own, hexadecimal, or base64 at any place. */
export function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) => {
    const all = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first and the last characters also depend on what stands beside the text.
    return all.slice(shift + 1, -4);
  });
  return [bytes, ...[bytes.toString('hex'), ...base64].map((form) => Buffer.from(form))];
}

/** Returns the files below the folder that hold one of these byte sequences. */
export function findInFiles(dir: string, needles: readonly Buffer[]): string[] {
  return filesBelow(dir).filter((path) => {
    const bytes = readFileSync(path);
    return needles.some((needle) => bytes.includes(needle));
  });
}

export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
