/** The columns with these names hold times. */
const TIME = /^now$|_(?:at|since|until|activity)$/;

/**
 * A row that a query returns as JSON has its times as JSON of Postgres writes them. The result has
 * them as the wire does, so that times can be compared as text.
 */
export function fromJson<Row extends object>(row: Row): Row {
  const read = ([name, value]: [string, unknown]): [string, unknown] =>
    typeof value === 'string' && TIME.test(name)
      ? [name, new Date(value).toISOString()]
      : [name, value];
  return Object.fromEntries(Object.entries(row).map(read)) as Row;
}
