import { importsOf } from './import-rules.ts';
import type { SourceFile } from './read-tree.ts';

const KIND = /(?:function\b\s*\*?|const|let|class|type|interface|enum)/.source;
const DECLARED = new RegExp(
  `^export\\s+(?:(?:declare|abstract|async)\\s+)*${KIND}\\s+([\\w$]+)`,
  'gm',
);
const LISTED = /^export\s+(?:type\s+)?\{([^}]*)\}/gm;

/**
 * Finds exports, also those of types, that no other file imports. An import by a test counts. A
 * file that is imported as a whole, with `*` or at run time, may have any exports.
 */
export function findUnusedExports(files: readonly SourceFile[]): string[] {
  const used = new Set(
    files.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => target !== file.path)
        .flatMap(({ target, names }) => names.map((name) => `${target} ${name}`)),
    ),
  );
  return files
    .filter(({ path }) => !used.has(`${path} *`))
    .flatMap((file) =>
      exportsOf(file.code)
        .filter(({ name }) => !used.has(`${file.path} ${name}`))
        .map(({ line, name }) => `${file.path}:${line} no other file uses the export ${name}`),
    );
}

function exportsOf(code: string): { line: number; name: string }[] {
  const declared = [...code.matchAll(DECLARED)].map(({ index, 1: name = '' }) => ({ index, name }));
  const listed = [...code.matchAll(LISTED)].flatMap(({ index, 1: list = '' }) =>
    list.split(',').map((entry) => ({ index, name: entry.trim().split(/\s+/).at(-1) ?? '' })),
  );
  return [...declared, ...listed]
    .filter(({ name }) => name !== '')
    .map(({ index, name }) => ({ line: code.slice(0, index).split('\n').length, name }));
}
