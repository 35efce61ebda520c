import { LIMITS } from './limits.ts';

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** With the flag `u` a surrogate of a pair is no match of its own. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * What is wrong with parsed JSON, or undefined: nested deeper than 8, a key that means something
 * to JavaScript, NUL or half a character anywhere (jsonb refuses both and fails a whole batch).
 * `text` is what was parsed: raw UTF-8 can hold neither, so strings are looked at only where it
 * has an escape `\u`.
 */
export function jsonProblem(value: unknown, text: string): string | undefined {
  return problemBelow(value, 1, text.includes('\\u'));
}

function problemBelow(value: unknown, depth: number, withStrings: boolean): string | undefined {
  if (typeof value === 'string') return withStrings ? stringProblem(value) : undefined;
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
