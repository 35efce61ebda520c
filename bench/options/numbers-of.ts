type Range = { min: number; max: number; fraction?: boolean };

/** The message names every problem of the command line, one a line. */
export class OptionsError extends Error {}

/**
 * Returns a function that reads a flag as a number. A flag that is none, or out of its range, is
 * added to `problems`.
 */
export function numbersOf<Flag extends string>(
  values: Readonly<Partial<Record<Flag, unknown>>>,
  problems: string[],
): (flag: Flag, range: Range) => number {
  return (flag, { min, max, fraction = false }) => {
    const text = String(values[flag]);
    const value = Number(text);
    const isValid = text.trim() !== '' && value >= min && value <= max;
    if (isValid && (fraction || Number.isInteger(value))) return value;
    const kind = fraction ? 'a number' : 'a whole number';
    problems.push(`--${flag} must be ${kind} from ${min} to ${max}, not ${text}`);
    return min;
  };
}
