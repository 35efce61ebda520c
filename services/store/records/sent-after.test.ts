import t from 'tap';
import { isAhead, sentAfter } from './sent-after.ts';

const NOW = '2026-11-30T10:00:00.000Z';

t.test('a message is not before the one in front of it, unless that one is ahead', async (t) => {
  const rows: [last: string | null, at: string][] = [
    [null, NOW],
    ['2026-11-30T09:59:59.999Z', NOW],
    [NOW, NOW],
    ['2026-11-30T10:00:59.000Z', '2026-11-30T10:00:59.000Z'],
    ['2026-11-30T10:01:00.000Z', '2026-11-30T10:01:00.000Z'],
    ['2026-11-30T10:01:00.001Z', NOW],
    ['2028-01-04T10:00:00.000Z', NOW],
  ];
  for (const [last, at] of rows) t.equal(sentAfter(last, NOW), at, String(last));
});

t.test('a time is ahead by more than a minute', async (t) => {
  t.notOk(isAhead('2026-11-30T10:01:00.000Z', NOW));
  t.ok(isAhead('2026-11-30T10:01:00.001Z', NOW));
});
