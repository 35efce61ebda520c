import t from 'tap';
import type { Conversation, Participant } from '../../../clients/js/src/index.ts';
import { createPersonOf, faceOf, isAgentOf, takesPart } from './people.ts';

const person = (user_id: string, role: Participant['role'], avatar_url?: string): Participant => ({
  ...{ user_id, role, name: user_id.toUpperCase(), joined_at: '2026-11-21T10:00:00.000Z' },
  ...(avatar_url && { avatar_url }),
});
const conversation = (type: Conversation['type'], participants: Participant[], more = {}) =>
  ({ conversation_id: 'c', type, name: 'Name', participants, ...more }) as Conversation;

const shop = conversation(
  'business',
  [person('ann', 'customer', 'https://a.example/a.png'), person('shop', 'business')],
  { business_id: 'shop' },
);

t.test('a conversation has the face of whom one talks to', async (t) => {
  const direct = conversation('direct', [person('ann', 'member'), person('bob', 'member')]);
  t.match(faceOf(direct, 'ann'), { id: 'bob', name: 'Name' });
  t.match(faceOf(conversation('group', direct.participants), 'ann'), { id: 'c', name: 'Name' });
  t.match(faceOf(shop, 'ann'), { id: 'shop', name: 'Name' });
});

t.test('agents, managers and those who only read see the customer', async (t) => {
  const face = { id: 'ann', name: 'ANN', url: 'https://a.example/a.png' };
  t.same(faceOf(shop, 'jaya'), face);
  t.ok(isAgentOf(shop, 'jaya'));
  t.notOk(isAgentOf(shop, 'ann'));
  t.notOk(takesPart(shop, 'jaya'));
  const nobody = conversation('business', [], { business_id: 'shop' });
  t.match(faceOf(nobody, 'jaya'), { id: 'c', name: 'Customer' });
});

t.test('people who have left keep a name if anything knows it', async (t) => {
  const nameOf = (id: string) => (id === 'zoe' ? 'Zoe' : undefined);
  const group = conversation('group', [person('ann', 'admin')]);
  const personOf = createPersonOf({ conversation: group, nameOf });
  t.same(personOf('ann'), { name: 'ANN' });
  t.same(personOf('zoe'), { name: 'Zoe' });
  t.same(personOf('bob'), { name: 'Somebody who left' });
  t.same(personOf('00000000-0000-4000-8000-000000000000'), { name: 'Deleted User' });
  t.same(createPersonOf({ conversation: shop, nameOf })('old'), { name: 'Former agent' });
});
