import type { ExpiryPolicy } from './expiry-policy.ts';
import type { ExpiryPlan } from './plan-expiry.ts';

const COLUMNS = ['partition', 'messages', 'keys', 'reactions', 'earlier texts', ''] as const;

/** Returns the plan as lines for people. The function is pure. */
export function toPlanText(plan: ExpiryPlan, { days, graceDays }: ExpiryPolicy): string {
  const { now, hiddenBefore, partitions, revisions, steps } = plan;
  const shown =
    hiddenBefore === undefined
      ? 'Messages are shown for ever.'
      : `Messages are shown for ${days} days and kept for ${graceDays} more. ` +
        `Those before ${hiddenBefore} are hidden.`;
  const rows = partitions.map((one) => [
    ...[one.name, one.messages, one.keys, one.reactions, one.revisions].map(String),
    one.isDropped ? 'dropped' : 'these messages alone',
  ]);
  return [
    `It is ${now}. ${shown}`,
    'This would go now:',
    ...(rows.length === 0 ? [] : alignRows([[...COLUMNS], ...rows])),
    `  ${revisions} texts that people replaced or deleted more than ${graceDays} days ago`,
    `  ${steps} steps of businesses`,
    '',
  ].join('\n');
}

/** The first column and the last one are aligned to the left. */
function alignRows(rows: readonly string[][]): string[] {
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const isLeft = column === 0 || column === row.length - 1;
        return isLeft ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .replace(/^/, '  ')
      .trimEnd(),
  );
}
