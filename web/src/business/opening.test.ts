import t from 'tap';
import { opensText } from './opening.ts';

const KATHMANDU = { locale: 'en-GB', timeZone: 'Asia/Kathmandu' };
/** The reader sees a clock that shows Friday, 21:45. */
const NOW = Date.parse('2026-11-27T16:00:00.000Z');
const said = (opensAt: string): string => opensText(opensAt, NOW, KATHMANDU);

t.test('a business that opens is told by the day of the reader', async (t) => {
  t.equal(said('2026-11-27T17:00:00.000Z'), 'opens 22:45');
  t.equal(said('2026-11-28T03:15:00.000Z'), 'opens tomorrow 09:00');
  t.equal(said('2026-11-27T18:15:00.000Z'), 'opens tomorrow 00:00');
  t.equal(said('2026-11-29T03:15:00.000Z'), 'opens Sunday 09:00');
  t.equal(said('2026-12-04T03:15:00.000Z'), 'opens 4 Dec 09:00');
  t.equal(said('2027-01-01T03:15:00.000Z'), 'opens 1 Jan 09:00');
});

t.test('a time that has passed is told as a time of today', async (t) => {
  t.equal(said('2026-11-27T15:00:00.000Z'), 'opens 20:45');
});
