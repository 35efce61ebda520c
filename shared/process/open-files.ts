import { readdirSync, readFileSync } from 'node:fs';

const LIMITS_FILE = '/proc/self/limits';
const OPEN_FILES_FOLDER = '/proc/self/fd';
const OPEN_FILES = /^Max open files +(\d+) /m;

/**
 * Returns how many files, sockets among them, this process may have open at once. Node raises its
 * soft limit to the hard one as it starts, and this is the limit that counts. Returns undefined
 * where the limit is unlimited, or where the system is not Linux and does not tell it.
 */
export function openFilesMax(): number | undefined {
  try {
    const found = OPEN_FILES.exec(readFileSync(LIMITS_FILE, 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch (error) {
    return void error;
  }
}

/** Counts the open files of this process. Returns undefined where the system does not tell. */
export function countOpenFiles(): number | undefined {
  try {
    return readdirSync(OPEN_FILES_FOLDER).length;
  } catch (error) {
    return void error;
  }
}
