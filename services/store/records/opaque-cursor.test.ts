import t from 'tap';
import { decodeCursor, encodeCursor, isIsoTime } from './opaque-cursor.ts';

t.test('only a time that Postgres reads too is a time', async (t) => {
  for (const bad of [
    '0000-01-01T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '2025-02-29T00:00:00.000Z',
    '2026-04-31T12:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '+010000-01-01T00:00:00.000Z',
    '2026-01-01T00:00:00Z',
    7,
    null,
  ]) {
    t.notOk(isIsoTime(bad), String(bad));
  }
  for (const good of ['0001-01-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z']) {
    t.ok(isIsoTime(good), good);
  }
});

t.test('a cursor is good for its list alone', async (t) => {
  const isNumber = (part: unknown): boolean => typeof part === 'number';
  const cursor = encodeCursor('a list of Ann', [1, 2]);
  t.same(decodeCursor('a list of Ann', cursor, [isNumber, isNumber]), [1, 2]);
  const refused = { code: 'INVALID_REQUEST' };
  t.throws(() => decodeCursor('a list of Bob', cursor, [isNumber, isNumber]), refused);
  t.throws(() => decodeCursor('a list of Ann', cursor, [isNumber]), refused);
  for (const bad of ['x', '', 'bnVsbA', 'e30', 'W10', 'WzEsMl0']) {
    t.throws(() => decodeCursor('a list of Ann', bad, [isNumber, isNumber]), refused, bad);
  }
});
