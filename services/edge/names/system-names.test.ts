import t from 'tap';
import type { LastMessage, MessageRecord } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { namesPeople } from '../../../shared/protocol/system-content.ts';
import type { Names } from './profile-names.ts';
import { lastWithNames, peopleIn, peopleOf, withNames } from './system-names.ts';

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

t.test('a message of somebody stays the very same, whatever its metadata', async (t) => {
  t.notOk(namesPeople(text));
  t.same(peopleIn([text]), []);
  t.equal(withNames(text, names), text);
});

t.test("the system's tells who did what to whom, or that they are unknown", async (t) => {
  t.ok(namesPeople(system));
  t.same(peopleIn([text, system]), [anna, bob]);
  t.same(withNames(system, names), { ...system, content: 'Anna added Bob' });
  t.equal(withNames(system, nobody).content, 'Unknown User added Unknown User');
  t.equal(system.content, 'A participant was added', 'what was given is left alone');
});

t.test('one that cannot be read keeps the text it was stored with', async (t) => {
  const odd = { ...system, metadata: { event: 'more_than_we_know' } };
  t.same(peopleIn([odd]), []);
  t.same(withNames(odd, names), odd);
});

t.test('what a reply shows of one has names, is short, and nothing else', async (t) => {
  const reply = { ...text, reply_to: { ...preview, said } };
  t.ok(namesPeople(reply));
  t.same(peopleIn([reply]), [anna, bob]);
  const named = withNames(reply, names);
  t.same(named, { ...text, reply_to: { ...preview, content: 'Anna added Bob' } });
  const title = { event: 'title_changed' as const, value: '😀'.repeat(200) };
  const long = withNames({ ...text, reply_to: { ...preview, said: title } }, names);
  t.equal([...(long.reply_to?.content ?? '')].length, 140);
  const bare = { ...text, reply_to: preview };
  t.same(withNames(bare, names), bare);
});

t.test('so has a last message', async (t) => {
  const { seq, sent_at } = system;
  const last: LastMessage = { ...preview, seq, sent_at };
  t.equal(lastWithNames(last, names), last);
  t.same(peopleOf(last), []);
  t.same(peopleOf({ ...last, said: { event: 'avatar_changed' } }), [anna]);
  t.same(lastWithNames({ ...last, said }, names), { ...last, content: 'Anna added Bob' });
});
