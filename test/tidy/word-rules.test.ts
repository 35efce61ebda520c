import t from 'tap';
import { sourcesOf } from './read-tree.ts';
import { findRefusedWords } from './word-rules.ts';

const found = (text: string, path = 'services/edge/a.ts') =>
  sourcesOf([{ path, text }]).flatMap(findRefusedWords);

t.test('an identifier with a refused word is found, however it is written', async (t) => {
  const bad = [
    'member;',
    'a.members();',
    'type Member = A;',
    'const MEMBERS_MAX = 1;',
    'const groupMemberIds = [];',
    'a(`$' + '{members}`);',
    'const durableOf = 1;',
    'class DurableQueue {}',
    'const user_durables = 1;',
    'const eventsDurable = 1;',
  ];
  for (const text of bad) t.equal(found(text).length, 1, text);
});

t.test('the problem names the place and the word to say', async (t) => {
  t.same(found('a;\nmember;'), ['services/edge/a.ts:2 member: say participant']);
});

t.test('names that NATS or the environment force are accepted', async (t) => {
  const good = [
    'const a = { durable_name: b };',
    'decodeDurableEvent(a);',
    'const DURABLE_EVENTS: DurableEventKind[] = [];',
  ];
  for (const text of good) t.same(found(text), [], text);
});

t.test('other words, strings and comments are accepted', async (t) => {
  const good = [
    'remember();',
    'membershipOf();',
    'redis.srandmember();',
    "a('member');",
    '// inbox',
  ];
  for (const text of good) t.same(found(text), [], text);
});
