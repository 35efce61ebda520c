import { KahaError } from '../../../shared/errors.ts';

/** A cursor is base64url of a JSON array; clients return it and must not interpret it. */
export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts), 'utf8').toString('base64url');
}

/** The shape of a cursor has one test for each part. */
type CursorShape = readonly ((part: unknown) => boolean)[];

/** A text that is no cursor of this shape is refused with INVALID_REQUEST. */
export function decodeCursor(cursor: string, shape: CursorShape): unknown[] {
  const parts = parse(cursor);
  if (
    Array.isArray(parts) &&
    parts.length === shape.length &&
    shape.every((isPart, index) => isPart(parts[index]))
  ) {
    return parts;
  }
  throw new KahaError('INVALID_REQUEST', 'cursor is not one that was given out');
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
