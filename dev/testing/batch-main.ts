import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { replaceDefault, type Test } from 'tap';
import { compiledPath } from '../build.ts';

declare module 'tap' {
  /** Gives a root test to the files that are imported after this call. */
  export function replaceDefault(root: Test): void;
}

/**
 * Runs compiled test files one after another in this process, each as a subtest of its name. The
 * variable BATCH_FILES lists them, one a line: tap would make the arguments of a process part of
 * the names of its folders, which would then be too long.
 */
const root = t;
for (const file of (process.env.BATCH_FILES ?? '').split('\n')) {
  await root.test(file, async (t) => {
    replaceDefault(t);
    await import(pathToFileURL(resolve(compiledPath(file))).href);
  });
}
