import type { View } from './frame-cursor.ts';

/**
 * These functions find fields in a JSON text without parsing it. That is safe if the field is not
 * nested in another and no string before it was written by a stranger. Inside a string a quote is
 * escaped, so `"seq":` stands only where a key is.
 */

const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
/** Ids and numbers stand in front of the content. */
const HEAD_BYTES = 512;
/** A frame names its type within this many characters, either first or behind `q`. */
const TYPE_WITHIN = 32;

/** Returns the part of a frame that the generator looks at, in ASCII. Longer frames are cut. */
export function headOf({ buffer, from, to }: View): string {
  return buffer.toString('latin1', from, Math.min(to, from + HEAD_BYTES));
}

export function wholeOf({ buffer, from, to }: View): string {
  return buffer.toString('utf8', from, to);
}

/** Returns the value of `"type"`, or '' if it is not among the first fields. */
export function typeOf(head: string): string {
  const at = head.indexOf('"type":"');
  return at < 0 || at > TYPE_WITHIN ? '' : stringAt(head, at + 8);
}

/**
 * Returns the value of a field that is a whole number, or -1 if the field is not there. `key` is
 * like `"seq":`.
 */
export function numberField(text: string, key: string): number {
  const found = text.indexOf(key);
  if (found < 0) return -1;
  let at = found + key.length;
  let value = 0;
  let digit = text.charCodeAt(at);
  if (!(digit >= ZERO && digit <= NINE)) return -1;
  while (digit >= ZERO && digit <= NINE) {
    value = value * 10 + (digit - ZERO);
    at += 1;
    digit = text.charCodeAt(at);
  }
  return value;
}

/**
 * Returns where the value of a string field begins, or -1 if it is not there. `key` is like
 * `"a":"`.
 */
export function fieldStart(text: string, key: string): number {
  const found = text.indexOf(key);
  return found < 0 ? -1 : found + key.length;
}

function stringAt(text: string, from: number): string {
  let to = from;
  while (to < text.length && text.charCodeAt(to) !== QUOTE) to += 1;
  return text.slice(from, to);
}
