import t from 'tap';
import type { LastMessage, MessageRecord } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import {
  namesPeople,
  readSaid,
  type SystemEvent,
} from '../../../shared/protocol/system-messages.ts';
import type { NameLookUp, Names, Sought } from './profile-names.ts';
import {
  createNameSystemMessages,
  lastMessageWithNames,
  systemContent,
  usersNamedBy,
  usersNamedIn,
  withNames,
} from './system-names.ts';

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
const names: Names = {
  users: new Map([
    [anna, { id: anna, name: 'Anna' }],
    [bob, { id: bob, name: 'Bob' }],
  ]),
  businesses: new Map(),
};
const nobody: Names = { users: new Map(), businesses: new Map() };
const said = { event: 'participant_added' as const, user_id: bob };
const text: MessageRecord = {
  message_id: newId<MessageId>(),
  conversation_id: newId<ConversationId>(),
  seq: 1,
  sender_id: anna,
  version: 1,
  content: 'Namaste',
  message_type: 'text',
  metadata: said,
  sent_at: new Date(0).toISOString(),
};
const system: MessageRecord = {
  ...text,
  ...{ message_type: 'system', content: 'A participant was added', metadata: said },
};
const quoted = { ...system, message_id: newId<MessageId>(), content: system.content as string };
const { message_id, sender_id, message_type, content } = quoted;
const preview = { message_id, sender_id, message_type, content };

t.test('the message of a user stays the same object, whatever its metadata is', async (t) => {
  t.notOk(namesPeople(text));
  t.same(usersNamedIn([text]), []);
  t.equal(withNames(text, names), text);
});

t.test(
  'the content of a system message tells who did what to whom, and may say Unknown User',
  async (t) => {
    t.ok(namesPeople(system));
    t.same(usersNamedIn([text, system]), [anna, bob]);
    t.same(withNames(system, names), { ...system, content: 'Anna added Bob' });
    t.equal(withNames(system, nobody).content, 'Unknown User added Unknown User');
    t.equal(system.content, 'A participant was added', 'what was given is left alone');
  },
);

t.test('a system message with unknown metadata keeps the content as stored', async (t) => {
  const odd = { ...system, metadata: { event: 'more_than_we_know' } };
  t.same(usersNamedIn([odd]), []);
  t.same(withNames(odd, names), odd);
});

t.test(
  'the preview of a system message in a reply has names, at most 140 code points, and no `said`',
  async (t) => {
    const reply = { ...text, reply_to: { ...preview, said } };
    t.ok(namesPeople(reply));
    t.same(usersNamedIn([reply]), [anna, bob]);
    const named = withNames(reply, names);
    t.same(named, { ...text, reply_to: { ...preview, content: 'Anna added Bob' } });
    const title = { event: 'title_changed' as const, value: '😀'.repeat(200) };
    const long = withNames({ ...text, reply_to: { ...preview, said: title } }, names);
    t.equal([...(long.reply_to?.content ?? '')].length, 140);
    const bare = { ...text, reply_to: preview };
    t.same(withNames(bare, names), bare);
  },
);

t.test('a last message that is of the system has names and no `said`', async (t) => {
  const { seq, sent_at } = system;
  const last: LastMessage = { ...preview, seq, sent_at };
  t.equal(lastMessageWithNames(last, names), last);
  t.same(usersNamedBy(last), []);
  t.same(usersNamedBy({ ...last, said: { event: 'avatar_changed' } }), [anna]);
  t.same(lastMessageWithNames({ ...last, said }, names), { ...last, content: 'Anna added Bob' });
});

const record = (rest: Partial<MessageRecord>): MessageRecord => ({
  message_id: newId<MessageId>(),
  conversation_id: newId<ConversationId>(),
  seq: 1,
  sender_id: anna,
  version: 1,
  content: 'as stored',
  message_type: 'text',
  sent_at: new Date(0).toISOString(),
  ...rest,
});

function lookUpOf(users: Record<UserId, string>) {
  const asked: UserId[][] = [];
  const lookUp: NameLookUp = async (sought: Sought) => {
    asked.push([...sought.users]);
    const known = Object.entries(users) as [UserId, string][];
    return { users: new Map(known.map(([id, name]) => [id, { id, name }])), businesses: new Map() };
  };
  return { asked, lookUp };
}

t.test('a page without system messages asks for no names and is not waited for', async (t) => {
  const { asked, lookUp } = lookUpOf({});
  const page = [record({}), record({ metadata: { event: 'participant_left' } })];
  const before = [...page];
  t.equal(createNameSystemMessages(lookUp)(page), undefined);
  t.ok(page.every((message, index) => message === before[index]));
  t.equal(asked.length, 0);
});

t.test('a page with system messages asks for all names at once', async (t) => {
  const { asked, lookUp } = lookUpOf({ [anna]: 'Anna', [bob]: 'Bob' });
  const metadata = { event: 'participant_removed', user_id: bob };
  const page = [
    record({ message_type: 'system', metadata }),
    record({}),
    record({ message_type: 'system', metadata: { event: 'title_changed', value: 'Trek' } }),
  ];
  await createNameSystemMessages(lookUp)(page);
  t.same(
    page.map(({ content }) => content),
    ['Anna removed Bob', 'as stored', 'Anna changed the title to “Trek”'],
  );
  t.same(asked, [[anna, bob, anna]]);
});

const TEXTS: [SystemEvent, string, string][] = [
  ['participant_added', 'Anna added Bob', 'Unknown User added Unknown User'],
  ['participant_removed', 'Anna removed Bob', 'Unknown User removed Unknown User'],
  ['participant_left', 'Bob left', 'Unknown User left'],
  ['title_changed', 'Anna changed the title to “Trek”', 'Unknown User changed the title to “Trek”'],
  ['description_changed', 'Anna changed the description', 'Unknown User changed the description'],
  ['avatar_changed', 'Anna changed the picture', 'Unknown User changed the picture'],
  ['admin_changed', 'Bob is admin now', 'Unknown User is admin now'],
];

for (const [event, named, unnamed] of TEXTS) {
  t.test(`${event} has a text with names, and a text without`, async (t) => {
    const said = readSaid({ event, user_id: bob, value: 'Trek' });
    if (said === undefined) throw new Error('not read');
    t.equal(systemContent(said, { actor: 'Anna', subject: 'Bob' }), named);
    t.equal(systemContent(said, {}), unnamed);
  });
}

t.test('the text of a change of title leaves an unknown title out', async (t) => {
  t.equal(systemContent({ event: 'title_changed' }, { actor: 'Anna' }), 'Anna changed the title');
});
