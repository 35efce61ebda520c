import t from 'tap';
import type { LastMessage, MessageRecord } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { namesPeople } from '../../../shared/protocol/system-content.ts';
import type { Names } from './profile-names.ts';
import { lastMessageWithNames, usersNamedBy, usersNamedIn, withNames } from './system-names.ts';

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
