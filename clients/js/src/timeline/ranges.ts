/** These are whole numbers as ascending ranges, which include both ends and never touch. */
export type Ranges = readonly Range[];
type Range = readonly [from: number, to: number];

export function includes(ranges: Ranges, value: number): boolean {
  return ranges.some(([from, to]) => from <= value && value <= to);
}

export function withValue(ranges: Ranges, value: number): Ranges {
  const isBelow = ([, to]: Range): boolean => to < value - 1;
  const isAbove = ([from]: Range): boolean => from > value + 1;
  const touching = ranges.filter((range) => !isBelow(range) && !isAbove(range));
  const ends = [value, ...touching.flat()];
  const joined = [Math.min(...ends), Math.max(...ends)] as const;
  return [...ranges.filter(isBelow), joined, ...ranges.filter(isAbove)];
}

export function highest(ranges: Ranges): number | undefined {
  return ranges.at(-1)?.[1];
}
