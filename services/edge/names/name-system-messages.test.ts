import t from 'tap';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { createNameSystemMessages } from './name-system-messages.ts';
import type { NameLookUp, Sought } from './profile-names.ts';

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
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
