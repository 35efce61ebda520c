import { posix } from 'node:path';
import type { SourceFile } from './read-tree.ts';
import { isTest } from './text-rules.ts';

type Import = {
  line: number;
  specifier: string;
  /** A relative import leads to this path. */
  target: string;
  /** These exports of the target are taken. `*` stands for all of them. */
  names: string[];
};

/**
 * An installation without development dependencies has the packages in `production`, and one with
 * them those in `all`.
 */
export type Packages = { production: ReadonlySet<string>; all: ReadonlySet<string> };

const SPECIFIER = /(?<![.\w])(?:from|import|import\s*\()\s*"( *)"/g;
const CLAUSE = /\b(?:import|export)\s+(?:type\s+)?([\w$*{},\s]*)$/;
const CLAUSE_CHARACTERS_MAX = 4_000;
const COMMAND = /(?:^|\/)(?:main|[a-z0-9-]+-main)\.ts$/;
const SOCKET_PACKAGE = 'uWebSockets.js';

/**
 * Imports follow `main → wiring → parts → shared`. A service never imports another service, and
 * shared never imports a service.
 */
export function findBadImports(file: SourceFile, packages: Packages): string[] {
  return importsOf(file).flatMap(({ line, specifier, target }) => {
    const reason = specifier.startsWith('.')
      ? relativeProblem(file.path, specifier, target)
      : packageProblem(file.path, specifier, packages);
    return reason === undefined ? [] : [`${file.path}:${line} ${reason}: ${specifier}`];
  });
}

/** The socket library may be imported by only one file, and that file belongs to edge. */
export function findSocketImports(files: readonly SourceFile[]): string[] {
  const importers = files.filter((file) =>
    importsOf(file).some(({ specifier }) => specifier === SOCKET_PACKAGE),
  );
  const paths = importers.map(({ path }) => path).filter((path) => !isTest(path));
  const outside = paths.filter((path) => !path.startsWith('services/edge/'));
  if (outside.length === 0 && paths.length <= 1) return [];
  return [`${SOCKET_PACKAGE} is imported by ${paths.join(', ')}`];
}

/** Reads the imports of a file, also those of types. */
export function importsOf({ path, text, code }: SourceFile): Import[] {
  return [...code.matchAll(SPECIFIER)].map((match) => {
    const start = match.index + match[0].lastIndexOf('"', match[0].length - 2) + 1;
    const specifier = text.slice(start, start + (match[1]?.length ?? 0));
    return {
      line: code.slice(0, match.index).split('\n').length,
      specifier,
      target: posix.join(posix.dirname(path), specifier),
      names: match[0].startsWith('from') ? namesBefore(code, match.index) : namesBehind(match[0]),
    };
  });
}

/** Reads the names between `import` or `export` and the `from` at an offset. */
function namesBefore(code: string, from: number): string[] {
  const clause =
    CLAUSE.exec(code.slice(Math.max(0, from - CLAUSE_CHARACTERS_MAX), from))?.[1] ?? '*';
  const [whole = '', list = ''] = clause.split(/[{}]/);
  const names = list.split(',').map((name) => name.trim().replace(/^type\s+|\s+as\s.*$/g, ''));
  if (whole.includes('*')) names.push('*');
  else if (/\w/.test(whole)) names.push('default');
  return names.filter((name) => name !== '');
}

/** An import for an effect takes no name, and one at run time may take all. */
function namesBehind(statement: string): string[] {
  return statement.includes('(') ? ['*'] : [];
}

function relativeProblem(path: string, specifier: string, target: string): string | undefined {
  if (!/\.(?:tsx?|mjs|js|json)$/.test(specifier)) return 'import without an extension';
  if (COMMAND.test(target)) return 'a command is imported';
  if (isTest(target) && !isTest(path)) return 'a test is imported';
  const [from, to] = [areaOf(path), areaOf(target)];
  if (COMMAND.test(path) && from === to && from.startsWith('services/')) {
    return isWiring(path, target) ? undefined : 'main imports a part';
  }
  return from === to || mayImport(path, from, to) ? undefined : `${from} imports ${to}`;
}

/** `main.ts` may import the configuration and the wiring, and another command what it runs. */
function isWiring(path: string, target: string): boolean {
  const service = path.split('/')[1];
  const name = posix.basename(target, '.ts');
  return !path.endsWith('/main.ts') || name === 'config' || name === service;
}

/** Returns the area of a path, such as `services/edge`, `shared` or `dev`. */
function areaOf(path: string): string {
  const parts = path.split('/');
  return parts.slice(0, parts[0] === 'services' || parts[0] === 'clients' ? 2 : 1).join('/');
}

function mayImport(path: string, from: string, to: string): boolean {
  if (isTest(path) && to === 'dev') return true;
  if (from === 'test') return true;
  if (from === 'shared' || from.startsWith('clients/')) return false;
  if (from === 'web') return to === 'clients/js';
  if (from.startsWith('services/')) return to === 'shared';
  return ['dev', 'bench'].includes(from);
}

function packageProblem(path: string, specifier: string, packages: Packages): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const runs = /^(?:services|shared)\//.test(path) && !isTest(path);
  if ((runs ? packages.production : packages.all).has(name)) return undefined;
  return runs ? 'not in dependencies' : 'not in package.json';
}
