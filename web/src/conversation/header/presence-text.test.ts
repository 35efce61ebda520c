import t from 'tap';
import { clockTime } from '../../parts/times.ts';
import { sayPresence, sayTyping } from './presence-text.ts';

const now = new Date(2026, 10, 25, 12, 0);
const at = (day: number, hour: number, minute = 0) =>
  new Date(2026, 10, day, hour, minute).toISOString();

t.test('typing names people only where there are several', async (t) => {
  t.equal(sayTyping([], true), '');
  t.equal(sayTyping(['Maya'], true), 'typing …');
  t.equal(sayTyping(['Maya'], false), 'Maya is typing …');
  t.equal(sayTyping(['Maya', 'Ravi'], false), 'Maya and Ravi are typing …');
});

t.test('somebody is online, was seen, or is not known', async (t) => {
  const seen = (last_seen_at: string) => sayPresence({ status: 'offline', last_seen_at }, now);
  t.equal(sayPresence({ status: 'online' }, now), 'online');
  t.equal(sayPresence({ status: 'unknown' }, now), '');
  t.equal(sayPresence({ status: 'offline' }, now), 'offline');
  t.equal(seen(at(25, 11, 59)), 'last seen 1 min ago');
  t.equal(seen(at(25, 12)), 'last seen a moment ago');
  t.equal(seen(at(25, 8)), `last seen at ${clockTime(at(25, 8))}`);
  t.equal(seen(at(24, 8)), `last seen yesterday at ${clockTime(at(24, 8))}`);
  t.equal(seen(at(22, 8)), 'last seen on Sunday');
  t.equal(seen(at(2, 8)), 'last seen on November 2');
});

t.test('a business says when it opens', async (t) => {
  const business = (status: 'online' | 'offline', opens_at?: string) =>
    sayPresence({ business_id: 'b', status, ...(opens_at && { opens_at }) }, now);
  t.equal(business('online'), 'Open now');
  t.equal(business('offline'), 'Nobody is there right now');
  t.equal(business('offline', at(25, 14)), `Closed, opens today at ${clockTime(at(25, 14))}`);
  t.equal(business('offline', at(26, 9)), `Closed, opens tomorrow at ${clockTime(at(26, 9))}`);
  t.equal(business('offline', at(30, 9)), `Closed, opens on Monday at ${clockTime(at(30, 9))}`);
});
