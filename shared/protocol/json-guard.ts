import { LIMITS } from './limits.ts';

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const BEYOND = 'a number is beyond ±(2^53-1)';
/** The flag `u` makes a regular expression read a pair as one character, so pairs do not match. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Returns what is wrong with parsed JSON, or undefined. JSON is refused if it is nested deeper than
 * 8, or has a key that means something to JavaScript. It is also refused if a string or a key holds
 * NUL or half of a surrogate pair, because jsonb refuses both, and then a whole batch fails. `text`
 * is the JSON before it was parsed. Only an escape `\u` can make NUL or half a pair, so this
 * function looks at strings only if `text` has one.
 *
 * A number beyond ±(2^53-1) is refused, because a double may have kept another one, and `1e400`
 * became Infinity. The parsed value tells: each integer from 2^53 on is parsed as 2^53 or more.
 */
export function jsonProblem(value: unknown, text: string): string | undefined {
  return problemBelow(value, 1, text.includes('\\u'));
}

function problemBelow(value: unknown, depth: number, withStrings: boolean): string | undefined {
  if (typeof value === 'string') return withStrings ? stringProblem(value) : undefined;
  if (typeof value === 'number') {
    return Math.abs(value) > Number.MAX_SAFE_INTEGER ? BEYOND : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > LIMITS.jsonDepthMax) return `JSON is nested deeper than ${LIMITS.jsonDepthMax}`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = problemBelow(item, depth + 1, withStrings);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (FORBIDDEN_KEYS.has(key)) return `the key ${key} is not allowed`;
    const problem =
      (withStrings ? stringProblem(key) : undefined) ??
      problemBelow((value as Record<string, unknown>)[key], depth + 1, withStrings);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function stringProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'a string holds NUL';
  if (LONE_SURROGATE.test(text)) return 'a string holds a lone surrogate';
  return undefined;
}
