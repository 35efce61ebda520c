import type { Rate } from '../limits/rate-limit.ts';

/** These functions write the numbers of limits as people read them. */

export function duration(ms: number): string {
  if (ms === 3_600_000) return 'an hour';
  return ms === 1_000 ? '1 second' : `${ms / 1_000} seconds`;
}

export function bytes(count: number): string {
  return `${count / 1_024} KiB`;
}

export function rate({ perS, burst }: Rate): string {
  return `${perS} a second, and ${burst} at once`;
}

/** Makes a table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
