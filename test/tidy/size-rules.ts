import { findFunctions } from './find-functions.ts';
import type { SourceFile } from './read-tree.ts';

const FILE_LINES = { median: 100, p90: 250, max: 400 };
const FUNCTION_LINES = { p90: 30, max: 70 };
const MAIN_LINES_MAX = 30;
const COLUMNS_MAX = 100;
const PARAMETERS_MAX = 3;

export function findOversize(file: SourceFile): string[] {
  const { path, text, code } = file;
  const lines = text.split('\n');
  const problems: string[] = [];
  const tell = (line: number, what: string): void => void problems.push(`${path}:${line} ${what}`);
  const linesMax = path.endsWith('/main.ts') ? MAIN_LINES_MAX : FILE_LINES.max;
  if (lines.length - 1 > linesMax) tell(lines.length - 1, `file is longer than ${linesMax} lines`);
  for (const [index, line] of lines.entries()) {
    if ([...line].length > COLUMNS_MAX) tell(index + 1, `line has ${line.length} columns`);
  }
  for (const { name, line, lines, parameters } of findFunctions(code)) {
    if (lines > FUNCTION_LINES.max) tell(line, `function ${name} has ${lines} lines`);
    if (parameters > PARAMETERS_MAX) tell(line, `function ${name} has ${parameters} parameters`);
  }
  return problems;
}

/**
 * Checks the sizes over the whole tree. Arrow functions of one expression do not count, because
 * they would flatter the p90.
 */
export function findOversizeTree(files: readonly SourceFile[]): string[] {
  const fileLines = files.map(({ text }) => text.split('\n').length - 1);
  const functionLines = files.flatMap(({ code }) =>
    findFunctions(code)
      .filter(({ block }) => block)
      .map(({ lines }) => lines),
  );
  const measured = [
    { what: 'median of file lines', is: quantile(fileLines, 0.5), max: FILE_LINES.median },
    { what: 'p90 of file lines', is: quantile(fileLines, 0.9), max: FILE_LINES.p90 },
    { what: 'p90 of function lines', is: quantile(functionLines, 0.9), max: FUNCTION_LINES.p90 },
  ];
  return measured
    .filter(({ is, max }) => is > max)
    .map(({ what, is, max }) => `${what} is ${is}, allowed ${max}`);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
