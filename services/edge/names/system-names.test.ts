import t from 'tap';
import type { LastMessage, MessageRecord } from '../../../shared/contracts/messages.ts';
import {
  type BusinessId,
  type ConversationId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import {
  namesPeople,
  readSaid,
  type SystemEvent,
} from '../../../shared/protocol/system-messages.ts';
import type { NameLookUp, Names, Sought } from './profile-names.ts';
import {
  collectNamed,
  createNameSystemMessages,
  lastMessageWithNames,
  namedIn,
  systemContent,
  withNames,
} from './system-names.ts';

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
const shop = newId<BusinessId>();
const names: Names = {
  users: new Map([
    [anna, { id: anna, name: 'Anna' }],
    [bob, { id: bob, name: 'Bob' }],
  ]),
  businesses: new Map([[shop, { id: shop, name: 'Momo House' }]]),
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

function namedBy(message: LastMessage) {
  const named = { users: [], businesses: [] };
  collectNamed(message, named);
  return named;
}

t.test('the message of a user stays the same object, whatever its metadata is', async (t) => {
  t.notOk(namesPeople(text));
  t.same(namedIn([text]), { users: [], businesses: [] });
  t.equal(withNames(text, names), text);
});

t.test(
  'the content of a system message tells who did what to whom, and may say Unknown User',
  async (t) => {
    t.ok(namesPeople(system));
    t.same(namedIn([text, system]), { users: [anna, bob], businesses: [] });
    t.same(withNames(system, names), { ...system, content: 'Anna added Bob' });
    t.equal(withNames(system, nobody).content, 'Unknown User added Unknown User');
    t.equal(system.content, 'A participant was added', 'what was given is left alone');
  },
);

t.test('a system message with unknown metadata keeps the content as stored', async (t) => {
  const odd = { ...system, metadata: { event: 'more_than_we_know' } };
  t.same(namedIn([odd]), { users: [], businesses: [] });
  t.same(withNames(odd, names), odd);
});

t.test(
  'the preview of a system message in a reply has names, at most 140 code points, and no `said`',
  async (t) => {
    const reply = { ...text, reply_to: { ...preview, said } };
    t.ok(namesPeople(reply));
    t.same(namedIn([reply]), { users: [anna, bob], businesses: [] });
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
  t.same(namedBy(last), { users: [], businesses: [] });
  const avatar = { event: 'avatar_changed' as const };
  t.same(namedBy({ ...last, said: avatar }), { users: [anna], businesses: [] });
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
  t.equal(createNameSystemMessages(lookUp)(page, { userId: anna }), undefined);
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
  await createNameSystemMessages(lookUp)(page, { userId: anna });
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
  [
    'agent_assigned',
    'Anna gave the conversation to Bob',
    'Unknown User gave the conversation to Unknown User',
  ],
  ['conversation_closed', 'Anna closed the conversation', 'Unknown User closed the conversation'],
  [
    'conversation_reopened',
    'Anna reopened the conversation',
    'Unknown User reopened the conversation',
  ],
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

const assigned = (sender: string, metadata: object): MessageRecord => ({
  ...{ ...system, sender_id: sender as UserId },
  metadata: { event: 'agent_assigned', user_id: bob, ...metadata },
});

t.test('an assignment tells whether the agent took it, was given it, or by whom', async (t) => {
  const rows: [MessageRecord, string][] = [
    [assigned(bob, { reason: 'manual' }), 'Bob took the conversation'],
    [assigned(anna, { reason: 'manual' }), 'Anna gave the conversation to Bob'],
    [assigned(anna, { reason: 'transfer' }), 'Anna handed the conversation on to Bob'],
    [assigned(shop, { reason: 'auto' }), 'Momo House gave the conversation to Bob'],
    [assigned(anna, { reason: 'whim' }), 'Anna gave the conversation to Bob'],
  ];
  for (const [message, content] of rows) t.equal(withNames(message, names).content, content);
  const auto = withNames(assigned(shop, { reason: 'auto' }), nobody);
  t.equal(auto.content, 'Unknown Business gave the conversation to Unknown User');
});

t.test('the sender of an automatic message is looked up as a business, not a user', async (t) => {
  const said = { event: 'agent_assigned' as const, user_id: bob, reason: 'auto' as const };
  const quoting = {
    ...text,
    reply_to: { ...preview, sender_id: shop as string as UserId, said },
  };
  const named = { users: [bob, bob], businesses: [shop, shop] };
  t.same(namedIn([assigned(shop, said), quoting]), named);
  t.equal(withNames(quoting, names).reply_to?.content, 'Momo House gave the conversation to Bob');
  const odd = { ...text, metadata: said, sender_id: shop as string as UserId };
  t.same(namedIn([odd]), { users: [], businesses: [] }, 'people write any metadata');
});

t.test('the text of an away message is the one of the business, not one of ours', async (t) => {
  const away = { ...system, content: 'Back on Sunday', metadata: { event: 'away_message' } };
  t.same(namedIn([away]), { users: [], businesses: [] });
  t.equal(withNames(away, names).content, 'Back on Sunday');
});
