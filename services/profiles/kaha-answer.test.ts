import t from 'tap';
import { newId } from '../../shared/ids.ts';
import { readKahaAnswer } from './kaha-answer.ts';
import { refOf } from './profile.ts';

const user = refOf('user', newId<string>());
const business = refOf('business', newId<string>());
const read = (answer: unknown) => readKahaAnswer(JSON.stringify(answer), [user, business]);

t.test('users and businesses are read, what is null or unknown is left out', async (t) => {
  const found = read({
    users: [
      { id: user.id.toUpperCase(), name: 'Asha', avatar_url: null, user_type: 'customer', age: 7 },
    ],
    businesses: [{ id: business.id, name: 'Himal Books', is_online: false }],
  });
  t.same(found.get(user.key)?.fields, { id: user.id, name: 'Asha', user_type: 'customer' });
  t.same(found.get(business.key)?.fields, {
    id: business.id,
    name: 'Himal Books',
    is_online: false,
  });
});

t.test(
  'a malformed entry hurts no other, and one that was not asked for is left out',
  async (t) => {
    const entries = [
      null,
      'x',
      { id: user.id },
      { id: user.id, name: ' ' },
      { id: user.id, name: 7 },
      { id: newId<string>(), name: 'Not asked for' },
      { id: business.id, name: 'A business among users' },
    ];
    t.equal(read({ users: entries }).size, 0);
    t.equal(read({ users: [...entries, { id: user.id, name: 'Asha' }] }).size, 1);
  },
);

t.test('an answer without lists is of no use', async (t) => {
  for (const text of ['', '{"users":[', '[]', 'null', '"a"', '{"users":{}}']) {
    t.throws(() => readKahaAnswer(text, [user]), { name: 'MalformedAnswerError' }, text);
  }
  t.equal(readKahaAnswer('{}', [user]).size, 0);
});
