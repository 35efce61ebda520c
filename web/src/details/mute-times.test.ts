import t from 'tap';
import { clockTime } from '../parts/times.ts';
import { MUTE_CHOICES, mutedUntil, sayMute } from './mute-times.ts';

t.test('a mute ends after hours, or never', async (t) => {
  const now = Date.parse('2026-11-21T10:00:00.000Z');
  const ends = MUTE_CHOICES.map(({ hours }) => mutedUntil(hours, now));
  t.same(ends, [
    '2026-11-21T11:00:00.000Z',
    '2026-11-21T18:00:00.000Z',
    '2026-11-28T10:00:00.000Z',
    undefined,
  ]);
});

t.test('the end of a mute is said with its day', async (t) => {
  const now = new Date(2026, 10, 21, 10, 0);
  const at = (day: number) => new Date(2026, 10, day, 18, 0).toISOString();
  t.equal(sayMute(undefined, now), 'Muted');
  t.equal(sayMute(at(21), now), `Muted until ${clockTime(at(21))}`);
  t.equal(sayMute(at(22), now), `Muted until tomorrow, ${clockTime(at(22))}`);
  t.equal(sayMute(at(28), now), `Muted until November 28, ${clockTime(at(28))}`);
});
