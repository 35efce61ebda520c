import { importsOf } from './import-rules.ts';
import type { SourceFile } from './read-tree.ts';

/**
 * Finds circles of imports; an import of types counts like any other. Each problem is the way from
 * a file back to itself. Where circles share files, not each of them is a problem of its own.
 */
export function findImportCircles(files: readonly SourceFile[]): string[] {
  const targets = new Map(
    files.map((file) => [file.path, importsOf(file).map(({ target }) => target)]),
  );
  const problems: string[] = [];
  const finished = new Set<string>();
  const way: string[] = [];

  const visit = (path: string): void => {
    const start = way.indexOf(path);
    if (start >= 0) problems.push([...way.slice(start), path].join(' → '));
    if (start >= 0 || finished.has(path)) return;
    way.push(path);
    for (const target of targets.get(path) ?? []) visit(target);
    way.pop();
    finished.add(path);
  };
  for (const path of targets.keys()) visit(path);
  return problems;
}
