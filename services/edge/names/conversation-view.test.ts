import t from 'tap';
import type { ParticipantRecord } from '../../../shared/contracts/conversations.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { createLookUpNames, viewOf } from './conversation-view.ts';
import type { Names, Sought } from './profile-names.ts';

const [alice, bina, chandra, dawa, esha] = Array.from({ length: 5 }, () => newId<UserId>()) as [
  UserId,
  UserId,
  UserId,
  UserId,
  UserId,
];
const shop = newId<BusinessId>();
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

t.test('a direct conversation has the name and picture of the other participant', async (t) => {
  const direct = conversationRecord([alice, bina], { type: 'direct' });
  t.match(viewOf(direct, alice, names), { name: 'Bina', avatar_url: 'https://a/bina' });
  const view = viewOf(direct, bina, names);
  t.equal(view.name, 'Alice');
  t.same(
    view.participants.map(({ name }) => name),
    ['Alice', 'Bina'],
  );
});

t.test('a group has its title as name, or else the names of the first three others', async (t) => {
  const users = [alice, bina, chandra, dawa, esha];
  t.equal(
    viewOf(conversationRecord(users, { type: 'group' }), bina, names).name,
    'Alice, Chandra, Dawa',
  );
  t.equal(
    viewOf(conversationRecord(users, { type: 'group', title: 'Trek' }), bina, names).name,
    'Trek',
  );
  const view = viewOf(
    conversationRecord(users, { type: 'group', avatar_url: 'https://g' }),
    bina,
    names,
  );
  t.equal(view.avatar_url, 'https://g');
});

t.test('a business conversation has the name of the business', async (t) => {
  const business = conversationRecord([alice, bina], { type: 'business', business_id: shop });
  t.equal(viewOf(business, alice, names).name, 'Momo House');
  t.equal(viewOf(business, alice, nobody).name, 'Unknown Business');
});

t.test('a business takes part under its own name, and is looked up as no user', async (t) => {
  const record = conversationRecord([alice, bina], { type: 'business', business_id: shop });
  const customer = record.participants[0] as ParticipantRecord;
  const itself = { ...customer, user_id: shop as string as UserId, role: 'business' as const };
  const whole = { ...record, participants: [...record.participants, itself] };
  const view = viewOf(whole, bina, names);
  t.same(
    view.participants.map(({ name }) => name),
    ['Alice', 'Bina', 'Momo House'],
  );
  t.equal(viewOf(whole, bina, nobody).participants.at(-1)?.name, 'Unknown Business');
  const sought: Sought[] = [];
  const lookUpNames = createLookUpNames(async (one) => {
    sought.push(one);
    return nobody;
  });
  await lookUpNames({ records: [whole], viewers: [bina] });
  t.match(sought, [{ users: [alice, bina], businesses: [shop], viewers: [bina] }]);
});

t.test('without profiles all participants are unknown, and nothing else is missing', async (t) => {
  const view = viewOf(conversationRecord([alice, bina], { type: 'direct' }), alice, nobody);
  t.equal(view.name, 'Unknown User');
  t.same(
    view.participants.map(({ name }) => name),
    ['Unknown User', 'Unknown User'],
  );
  t.notOk('avatar_url' in view);
});
