import t from 'tap';
import type { Conversation, Participant } from '../../../clients/js/src/index.ts';
import { candidatesFor } from './candidates.ts';

const participant = (user_id: string, role: Participant['role'] = 'member'): Participant => ({
  ...{ user_id, role, name: user_id.toUpperCase(), joined_at: '2026-11-21T10:00:00.000Z' },
});
const withPeople = (...participants: Participant[]) => ({ participants }) as Conversation;

t.test('people of the directory and of other conversations can be added, each once', async (t) => {
  const candidates = candidatesFor({
    participants: [participant('ann')],
    people: [{ user_id: 'zoe', name: 'Zoe' }],
    conversations: [withPeople(participant('ann'), participant('bob'), participant('zoe'))],
  });
  t.same(candidates, [
    { userId: 'bob', name: 'BOB' },
    { userId: 'zoe', name: 'Zoe' },
  ]);
});

t.test('neither a business nor who is there already can be added', async (t) => {
  const shop = withPeople(participant('shop', 'business'), participant('ann', 'customer'));
  const known = { people: [{ user_id: 'ann', name: 'Ann' }], conversations: [shop] };
  t.same(candidatesFor({ participants: [participant('ann')], ...known }), []);
});
