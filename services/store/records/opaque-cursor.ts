import { createHash } from 'node:crypto';
import { KahaError } from '../../../shared/errors.ts';

const TAG_BYTES = 8;

/**
 * A cursor is base64url of a JSON array; clients return it and must not interpret it. `list` names
 * the list and its caller, and the cursor is good for these alone.
 */
export function encodeCursor(list: string, parts: readonly (string | number)[]): string {
  const tagged = [cursorTag(list).toString('base64url'), ...parts];
  return Buffer.from(JSON.stringify(tagged), 'utf8').toString('base64url');
}

/** The shape of a cursor has one test for each part. */
type CursorShape = readonly ((part: unknown) => boolean)[];

/** A text that is no cursor of this list and shape is refused with INVALID_REQUEST. */
export function decodeCursor(list: string, cursor: string, shape: CursorShape): unknown[] {
  const tagged = parse(cursor);
  if (!Array.isArray(tagged)) throw notGivenOut();
  const [tag, ...parts] = tagged as unknown[];
  const isWhole =
    tag === cursorTag(list).toString('base64url') &&
    parts.length === shape.length &&
    shape.every((isPart, index) => isPart(parts[index]));
  if (!isWhole) throw notGivenOut();
  return parts;
}

/** The tag of another list or another caller differs. */
export function cursorTag(list: string): Buffer {
  return createHash('sha256').update(list).digest().subarray(0, TAG_BYTES);
}

export function notGivenOut(): KahaError {
  return new KahaError('INVALID_REQUEST', 'cursor is not one that was given out');
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Tells whether Postgres reads the value as a time. `Date` reads 30 February as 2 March, and knows
 * a year 0000; Postgres refuses both.
 */
export function isIsoTime(value: unknown): value is string {
  if (typeof value !== 'string' || !ISO_TIME.test(value) || value.startsWith('0000')) return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}
