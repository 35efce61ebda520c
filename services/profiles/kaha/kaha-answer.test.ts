import t from 'tap';
import { newId } from '../../../shared/ids.ts';
import { refOf } from '../profile.ts';
import { readKahaAnswer } from './kaha-answer.ts';

const user = refOf('user', newId<string>());
const business = refOf('business', newId<string>());
const readText = (text: string) => readKahaAnswer(text, [user, business]);
const read = (answer: unknown) => readText(JSON.stringify(answer));
const readUser = (entry: object) => read({ users: [{ id: user.id, name: 'Asha', ...entry }] });
const fieldsOf = (entry: object) => readUser(entry).found.get(user.key)?.fields;

t.test('users and businesses are read, and null or unknown fields are left out', async (t) => {
  const { found, faults } = read({
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
  t.same(faults, {});
});

t.test('a bad entry is left out and counted, and hurts no other entry', async (t) => {
  const bad = [null, 'x', 7, [], { id: user.id }, { id: user.id, name: ' ' }];
  const wrong = [
    { id: newId<string>(), name: 'Not asked for' },
    { id: business.id, name: 'A business among users' },
  ];
  const good = { id: user.id, name: 'Asha' };
  const { found, faults } = read({ users: [...bad, ...wrong, good, { ...good, name: 'Eli' }] });
  t.same([...found.values()], [{ kind: 'user', fields: good }]);
  t.same(faults, { malformed: 6, 'not asked for': 2, repeated: 1, missing: 1 });
});

t.test('keys like __proto__ are treated as any other key', async (t) => {
  const own = `{"__proto__":{"name":"x"},"constructor":{"prototype":{"polluted":1}}`;
  const { found } = readText(`${own},"users":[${own},"id":"${user.id}","name":"Asha"},
    {"id":"__proto__","name":"x"},{"id":"constructor","name":"y"}]}`);
  t.same([...found.keys()], [user.key]);
  t.same(found.get(user.key)?.fields, { id: user.id, name: 'Asha' });
  t.notOk('polluted' in {});
});

t.test('an enormous name is cut, and control characters are removed from a name', async (t) => {
  t.equal(fieldsOf({ name: 'x'.repeat(900_000) })?.name, 'x'.repeat(200));
  t.equal(fieldsOf({ name: '\u{1f600}'.repeat(300) })?.name, '\u{1f600}'.repeat(200));
  t.equal(fieldsOf({ name: 'A\u0000\nB\ud800' })?.name, 'A  B\ufffd');
  t.equal(readUser({ name: 'x'.repeat(201) }).faults.name, 1);
});

t.test('an avatar that is not an http address is left out', async (t) => {
  const bad = [
    'javascript:alert(1)',
    'data:image/png;base64,xx',
    '//x',
    'http://',
    'ftp://x',
    {},
    7,
  ];
  for (const avatar of [...bad, 'https://a b', `https://x/${'y'.repeat(2_048)}`]) {
    t.same(fieldsOf({ avatar_url: avatar }), { id: user.id, name: 'Asha' });
    t.equal(readUser({ avatar_url: avatar }).faults.avatar, 1);
  }
  const good = 'https://example.com/a.png?x=1';
  t.equal(fieldsOf({ avatar_url: good })?.avatar_url, good);
});

t.test('an answer without lists is refused, and no error holds its text', async (t) => {
  for (const text of ['', '{"users":[{"name":"Asha', '[]', 'null', '"a"', '{"users":{}}', '{}']) {
    t.throws(() => readText(text), { name: 'MalformedAnswerError', cause: undefined }, text);
  }
  t.throws(() => readText('[Asha]'), { message: /^(?!.*Asha)/ });
  t.same(read({ users: null, businesses: [{ id: business.id, name: 'B' }] }).found.size, 1);
  t.same(read({ users: {}, businesses: [] }).faults, { malformed: 1, missing: 2 });
});
