import type { SourceFile, TextFile } from './read-tree.ts';

type Rule = { what: string; pattern: RegExp; part: 'code' | 'comments'; except?: RegExp };

const TESTS = /(?:\.test|-stage)\.ts$|(?:^|\/)stage\//;

const ENTRY = /(?:^|\/)(?:main|uws-library|[\w-]+-main)\.ts$/;
const READS_ENV = /^dev\/(?:testing\/test-servers|bootstrap)\.|^test\/clocks\/shifted-clock\./;

/**
 * No source line may hold one of these. `code` is without strings and comments (see `maskSource`).
 */
const RULES: readonly Rule[] = [
  {
    what: 'process.env outside main',
    pattern: /\bprocess\s*\.\s*env\b|\benv\b[^;=]*\}\s*=\s*process\b/g,
    part: 'code',
    except: new RegExp(`${ENTRY.source}|${READS_ENV.source}`),
  },
  { what: 'empty catch', pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g, part: 'code' },
  {
    what: 'empty catch',
    pattern: /\.catch\(\s*\([^)]*\)\s*=>\s*(?:\{\s*\}|undefined)\s*,?\s*\)/g,
    part: 'code',
  },
  { what: 'console', pattern: /\bconsole\s*\./g, part: 'code' },
  { what: 'any', pattern: /(?::|\bas|[<|&]|=>)\s*any\b|\bany\s*(?:\[\]|>)/g, part: 'code' },
  { what: 'debugger', pattern: /\bdebugger\b/g, part: 'code' },
  { what: 'default export', pattern: /\bexport\s+default\b|\bas\s+default\b/g, part: 'code' },
  { what: 'a test that runs alone', pattern: /\.only\(/g, part: 'code' },
  { what: 'a skipped test', pattern: /\bt\.skip\(|\bskip:\s*true\b/g, part: 'code' },
  { what: 'leftover', pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g, part: 'comments' },
  { what: 'unchecked types', pattern: /@ts-(?:ignore|nocheck|expect-error)/g, part: 'comments' },
  {
    what: 'a banned name',
    pattern: /\b(?:class|interface|type)\s+\w*(?:Manager|Helpers?|Utils?|Service|Base|Impl)\b/g,
    part: 'code',
  },
];

/**
 * No file of any kind may hold an absolute path of one machine, or a host that packages came from.
 */
const MACHINE_PATH = /(?<![\w.*~/-])\/(?:work|root|home)\/(?!\w*\*)/g;
const REGISTRY_HOST = /\b(?:registry|npm|mirrors?)\.[a-z0-9-]+\.(?:org|com|net|io|dev)\b/g;

const CODE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.(?:tsx?|mjs|js|css|html|sql)$/;
const BANNED_NAME = /(?:^|-)(?:manager|helpers?|utils?|service|base|impl)\./;

export function findForbiddenText(file: SourceFile): string[] {
  return RULES.filter(({ except }) => !except?.test(file.path)).flatMap((rule) =>
    matchesOf(file[rule.part], rule.pattern).map(
      ({ line, found }) => `${file.path}:${line} ${rule.what}: ${found}`,
    ),
  );
}

export function findMachineTraces(file: TextFile): string[] {
  return [MACHINE_PATH, REGISTRY_HOST].flatMap((pattern) =>
    matchesOf(file.text, pattern).map(({ line, found }) => `${file.path}:${line} ${found}`),
  );
}

/** Finds a file name that is not kebab-case, or that has a banned word. */
export function findBadName({ path }: TextFile): string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isCode = /\.(?:tsx?|mjs|js|css|html|sql)$/.test(name);
  if (isCode && !CODE_NAME.test(name)) return [`${path} is not kebab-case`];
  return isCode && BANNED_NAME.test(name) ? [`${path} has a banned name`] : [];
}

export function isTest(path: string): boolean {
  return TESTS.test(path) || path.startsWith('test/');
}

function matchesOf(text: string, pattern: RegExp): { line: number; found: string }[] {
  return [...text.matchAll(pattern)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    found: match[0].trim(),
  }));
}
