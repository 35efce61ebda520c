const GAP = '  ';

/**
 * Makes a table whose columns are as wide as they must be. The first is aligned left, the others
 * right.
 */
export function textTable(head: readonly string[], rows: readonly string[][]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join(GAP)
      .trimEnd();
  return lines.map((cells) => `${GAP}${line(cells)}`).join('\n');
}
