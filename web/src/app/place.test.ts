import t from 'tap';
import { hashOf, type Place, placeOf } from './place.ts';

const ID = '11111111-0000-4000-8000-000000000001';

t.test('a place survives its way through the address', async (t) => {
  const places: Place[] = [
    { kind: 'conversations' },
    { kind: 'conversations', conversationId: ID },
    { kind: 'inbox', businessId: ID, view: 'waiting' },
    { kind: 'inbox', businessId: ID, view: 'closed', conversationId: ID },
    { kind: 'conversations', conversationId: 'a/b?#%ü' },
  ];
  for (const place of places) t.same(placeOf(hashOf(place)), place, hashOf(place));
});

t.test('an address that leads nowhere leads to the conversations', async (t) => {
  const hashes = ['', '#', '#/', '#/x/y', '#/c', '#/c/', '#/inbox', `#/inbox/${ID}`];
  for (const hash of [...hashes, `#/inbox/${ID}/all`, '#/inbox//waiting', '#/c/%E0%A4%A']) {
    t.same(placeOf(hash), { kind: 'conversations' }, hash);
  }
});
