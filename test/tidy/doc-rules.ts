import { posix } from 'node:path';
import type { TextFile } from './read-tree.ts';

const ARCHITECTURE = 'ARCHITECTURE.md';
const LINES_MAX = 120;
const COLUMNS_MAX = 120;
/** A row of a table cannot be broken, so it may be longer. */
const ROW_COLUMNS_MAX = 160;

const LINK = /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;
/** The path of a file has a folder and an ending; a pattern such as `a/<name>.ts` names no file. */
const QUOTED_PATH = /`((?:[\w.@-]+\/)+[\w@-][\w.@-]*\.[a-z]+)`/g;
const FENCED = /^```[\s\S]*?^```$/gm;
/** These folders come into being when something runs. */
const MADE = /^(?:\.data|\.run|\.tap|dist|node_modules)\//;

/** ARCHITECTURE.md stays short enough to be read in one go. */
export function findOversizeDocument({ path, text }: TextFile): string[] {
  if (path !== ARCHITECTURE) return [];
  const lines = text.replace(/\n$/, '').split('\n');
  const long = lines.flatMap((line, index) => {
    const max = line.startsWith('|') ? ROW_COLUMNS_MAX : COLUMNS_MAX;
    const columns = [...line].length;
    return columns > max ? [`${path}:${index + 1} line has ${columns} columns`] : [];
  });
  if (lines.length > LINES_MAX) long.push(`${path} has ${lines.length} lines`);
  return long;
}

/**
 * Finds relative links and quoted paths in documents that lead to no file of the tree, which has
 * these paths. A quoted path may begin at the root, at `services/`, or beside its document.
 */
export function findDeadPaths(files: readonly TextFile[], paths: readonly string[]): string[] {
  const known = new Set<string>();
  for (const path of paths) {
    for (let at = path; at !== '.'; at = posix.dirname(at)) known.add(at);
  }
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) => [...findDeadLinks(file, known), ...findDeadQuotes(file, known)]);
}

function findDeadLinks({ path, text }: TextFile, known: ReadonlySet<string>): string[] {
  return placesOf(text, LINK)
    .filter(({ found }) => !/^(?:[a-z][a-z+.-]*:|#|\/)/.test(found))
    .filter(({ found }) => !known.has(besides(path, found.replace(/[#?].*$/, ''))))
    .map(({ line, found }) => `${path}:${line} links to ${found}, which is no file`);
}

function findDeadQuotes({ path, text }: TextFile, known: ReadonlySet<string>): string[] {
  return placesOf(text, QUOTED_PATH)
    .filter(({ found }) => !MADE.test(found))
    .filter(({ found }) =>
      [posix.normalize(found), `services/${found}`, besides(path, found)].every(
        (place) => !known.has(place),
      ),
    )
    .map(({ line, found }) => `${path}:${line} names ${found}, which is no file`);
}

/** Fenced text is blanked, because it holds commands and pictures. */
function placesOf(text: string, pattern: RegExp): { line: number; found: string }[] {
  const prose = text.replace(FENCED, (block) => block.replace(/[^\n]/g, ' '));
  return [...prose.matchAll(pattern)].map(({ index, 1: found = '' }) => ({
    line: prose.slice(0, index).split('\n').length,
    found,
  }));
}

function besides(path: string, target: string): string {
  return posix.join(posix.dirname(path), target).replace(/\/$/, '');
}
