import t from 'tap';
import { Chats } from './chats.ts';

const BUSINESS = 0;
const begun = { business: BUSINESS, isTimed: true, isNew: true };
const onePlace = () => new Chats(1, () => 1);

t.test('an assignment is timed from the message, whichever is heard of first', async (t) => {
  const chats = new Chats(1, () => 2);
  const first = chats.begin('first', begun);
  chats.sent(first, 1_000);
  t.equal(chats.assigned('first', 7, 1_030), first);
  const second = chats.begin('second', begun);
  chats.assigned('second', 7, 1_100);
  chats.sent(second, 1_060);
  t.equal(chats.atOnceMs.count, 2);
  t.equal(Math.round(chats.atOnceMs.quantileMs(0.5)), 30);
  t.equal(chats.atOnceMs.quantiles().max, 40);
});

t.test('what waits for a place is timed from the close that freed one', async (t) => {
  const chats = onePlace();
  const first = chats.begin('first', begun);
  chats.sent(first, 1_000);
  chats.assigned('first', 7, 1_010);
  const second = chats.begin('second', begun);
  chats.sent(second, 1_500);
  // The answer to the close may come behind the event of the assignment.
  chats.assigned('second', 7, 3_020);
  chats.closed(first, 3_000);
  t.match(chats.atOnceMs.quantiles(), { count: 1, max: 10 });
  t.match(chats.freedMs().quantiles(), { count: 1, max: 20 });
  t.match(chats.counts, { opened: 2, assigned: 2, closed: 1, waited: 1 });
});

t.test('a chat that waited without a close before its assignment is not timed', async (t) => {
  const chats = onePlace();
  chats.begin('first', begun);
  const second = chats.begin('second', begun);
  chats.sent(second, 1_000);
  chats.assigned('second', 7, 1_005);
  t.equal(chats.freedMs().count, 0);
});

t.test('a conversation that an agent had before may have to wait for them', async (t) => {
  const chats = onePlace();
  t.equal(chats.begin('again', { ...begun, isNew: false }).isPossible, false);
});

t.test('what is not timed is counted all the same', async (t) => {
  const chats = onePlace();
  const chat = chats.begin('warm-up', { ...begun, isTimed: false });
  chats.sent(chat, 1_000);
  chats.assigned('warm-up', 7, 1_010);
  t.equal(chats.atOnceMs.count, 0);
  t.equal(chats.counts.assigned, 1);
});

t.test('an assignment that is heard of again is nothing new', async (t) => {
  const chats = onePlace();
  chats.begin('first', begun);
  t.ok(chats.assigned('first', 7, 1_000));
  t.equal(chats.assigned('first', 7, 1_001), undefined);
  t.match(chats.counts, { assigned: 1, twice: 0 });
});

t.test('a second agent who is assigned the same conversation is found', async (t) => {
  const chats = onePlace();
  chats.begin('first', begun);
  chats.assigned('first', 7, 1_000);
  t.equal(chats.assigned('first', 8, 1_001), undefined);
  t.equal(chats.counts.twice, 1);
});

t.test('conversations of others, and those that are closed, are passed over', async (t) => {
  const chats = onePlace();
  t.equal(chats.assigned('of somebody', 7, 1_000), undefined);
  const chat = chats.begin('first', begun);
  chats.closed(chat, 1_000);
  t.equal(chats.assigned('first', 7, 1_001), undefined);
  t.equal(chats.counts.assigned, 0);
});

t.test('a chat that is forgotten takes no place', async (t) => {
  const chats = onePlace();
  chats.forget(chats.begin('forgotten', begun));
  t.equal(chats.openCount, 0);
  t.equal(chats.begin('first', begun).isPossible, true);
});
