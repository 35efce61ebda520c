/** These are whole numbers as ascending ranges, which include both ends and never touch. */
export type Ranges = readonly (readonly [number, number])[];

export function includes(ranges: Ranges, value: number): boolean {
  return ranges.some(([from, to]) => from <= value && value <= to);
}

export function withValue(ranges: Ranges, value: number): Ranges {
  const last = ranges.at(-1);
  // Almost every value follows the last one.
  if (last !== undefined && value === last[1] + 1) {
    return [...ranges.slice(0, -1), [last[0], value]];
  }
  if (includes(ranges, value)) return ranges;
  const below = ranges.filter(([, to]) => to < value - 1);
  const above = ranges.filter(([from]) => from > value + 1);
  const touching = ranges.slice(below.length, ranges.length - above.length);
  const from = Math.min(value, touching[0]?.[0] ?? value);
  const to = Math.max(value, touching.at(-1)?.[1] ?? value);
  return [...below, [from, to], ...above];
}

export function highest(ranges: Ranges): number | undefined {
  return ranges.at(-1)?.[1];
}
