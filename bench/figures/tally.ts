/** A tally has counts by name. */
export type Tally = Record<string, number>;

export function tallyOne(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum: Tally = {};
  for (const tally of tallies) {
    for (const [name, count] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}
