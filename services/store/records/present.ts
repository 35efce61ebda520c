type Present<Row, Name extends keyof Row> = { [Key in Name]?: NonNullable<Row[Key]> };

/** The result has those of the named columns that hold a value: null is absent on the wire. */
export function present<Row, Name extends keyof Row>(
  row: Row,
  names: readonly Name[],
): Present<Row, Name> {
  const kept: Present<Row, Name> = {};
  for (const name of names) {
    const value = row[name];
    if (value !== null && value !== undefined) kept[name] = value;
  }
  return kept;
}
