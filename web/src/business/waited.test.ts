import t from 'tap';
import { waitedText } from './waited.ts';

const SINCE = '2026-11-21T10:00:00.000Z';
const after = (minutes: number): string => waitedText(SINCE, Date.parse(SINCE) + minutes * 60_000);

t.test('a wait is told in minutes, then hours, then days', async (t) => {
  t.same([1, 3.9, 59, 60, 125, 24 * 60, 50 * 60].map(after), [
    ...['1 min', '3 min', '59 min', '1 h', '2 h 5 min', '1 day', '2 days'],
  ]);
});

t.test('a wait that has just begun, or begins by a clock that is ahead, is short', async (t) => {
  t.same([0, 0.9, -5].map(after), Array(3).fill('a moment'));
});
