import type { View } from './frame-cursor.ts';

/**
 * Finding fields in a JSON text without parsing it. Safe where the field is not nested in another
 * and no string before it was written by a stranger: inside a string a quote is escaped, so that
 * `"seq":` stands only where a key is.
 */

const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
/** Ids and numbers stand in front of the content. */
const HEAD_BYTES = 512;
/** Where a frame names its type: first, or behind `q`. */
const TYPE_WITHIN = 32;

/** What the generator asks of a frame, in ASCII; longer ones are cut. */
export function headOf({ buffer, from, to }: View): string {
  return buffer.toString('latin1', from, Math.min(to, from + HEAD_BYTES));
}

export function wholeOf({ buffer, from, to }: View): string {
  return buffer.toString('utf8', from, to);
}

/** The value of `"type"`; empty where it is not among the first fields. */
export function typeOf(head: string): string {
  const at = head.indexOf('"type":"');
  return at < 0 || at > TYPE_WITHIN ? '' : stringAt(head, at + 8);
}

/** A whole number; -1 where the field is not there. `key` is like `"seq":`. */
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

/** Where the value of a string field begins; -1 where it is not there. `key` is like `"a":"`. */
export function fieldStart(text: string, key: string): number {
  const found = text.indexOf(key);
  return found < 0 ? -1 : found + key.length;
}

function stringAt(text: string, from: number): string {
  let to = from;
  while (to < text.length && text.charCodeAt(to) !== QUOTE) to += 1;
  return text.slice(from, to);
}
