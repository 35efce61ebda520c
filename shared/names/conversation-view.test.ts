import t from 'tap';
import type { ConversationRecord } from '../contracts/conversations.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../ids.ts';
import { viewOf } from './conversation-view.ts';
import type { Names } from './profile-names.ts';

const [alice, bina, chandra, dawa, esha] = Array.from({ length: 5 }, () => newId<UserId>()) as [
  UserId,
  UserId,
  UserId,
  UserId,
  UserId,
];
const shop = newId<BusinessId>();
const time = new Date(0).toISOString();
const names: Names = {
  users: new Map([
    [alice, { id: alice, name: 'Alice', avatar_url: 'https://a/alice' }],
    [bina, { id: bina, name: 'Bina', avatar_url: 'https://a/bina' }],
    [chandra, { id: chandra, name: 'Chandra' }],
    [dawa, { id: dawa, name: 'Dawa' }],
  ]),
  businesses: new Map([[shop, { id: shop, name: 'Momo House' }]]),
};
const nobody: Names = { users: new Map(), businesses: new Map() };

function record(
  users: UserId[],
  rest: Partial<ConversationRecord> & Pick<ConversationRecord, 'type'>,
): ConversationRecord {
  return {
    conversation_id: newId<ConversationId>(),
    version: 1,
    first_seq: 1,
    last_seq: 0,
    last_read_seq: 0,
    unread: 0,
    is_muted: false,
    created_at: time,
    last_activity: time,
    participants: users.map((userId) => ({
      user_id: userId,
      role: 'member',
      joined_at: time,
      delivered_seq: 0,
      read_seq: 0,
    })),
    ...rest,
  };
}

t.test('a direct conversation goes by the name and picture of the other one', async (t) => {
  const direct = record([alice, bina], { type: 'direct' });
  t.match(viewOf(direct, alice, names), { name: 'Bina', avatar_url: 'https://a/bina' });
  const view = viewOf(direct, bina, names);
  t.equal(view.name, 'Alice');
  t.same(
    view.participants.map(({ name }) => name),
    ['Alice', 'Bina'],
  );
});

t.test('a group goes by its title, else by the first three others', async (t) => {
  const users = [alice, bina, chandra, dawa, esha];
  t.equal(viewOf(record(users, { type: 'group' }), bina, names).name, 'Alice, Chandra, Dawa');
  t.equal(viewOf(record(users, { type: 'group', title: 'Trek' }), bina, names).name, 'Trek');
  const view = viewOf(record(users, { type: 'group', avatar_url: 'https://g' }), bina, names);
  t.equal(view.avatar_url, 'https://g');
});

t.test('a business conversation goes by the business', async (t) => {
  const business = record([alice, bina], { type: 'business', business_id: shop });
  t.equal(viewOf(business, alice, names).name, 'Momo House');
  t.equal(viewOf(business, alice, nobody).name, 'Unknown Business');
});

t.test('without profiles everybody is unknown, and nothing else is missing', async (t) => {
  const view = viewOf(record([alice, bina], { type: 'direct' }), alice, nobody);
  t.equal(view.name, 'Unknown User');
  t.same(
    view.participants.map(({ name }) => name),
    ['Unknown User', 'Unknown User'],
  );
  t.notOk('avatar_url' in view);
});
