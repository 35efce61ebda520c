import t from 'tap';
import type { ContactsList } from '../../../shared/contracts/contacts.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { createGroup, setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const list = store.operations['contacts.list'];
const newUsers = (count: number) => Array.from({ length: count }, () => newId<UserId>());

async function all(who: ContactsList): Promise<{ ids: UserId[]; pages: number }> {
  const ids = new Set<UserId>();
  let cursor: string | null = null;
  let pages = 0;
  do {
    const page: Awaited<ReturnType<typeof list>> = await list(
      { ...who, ...(cursor !== null && { cursor }) },
      0,
    );
    for (const id of page.user_ids) ids.add(id);
    cursor = page.next_cursor;
    pages += 1;
  } while (cursor !== null);
  return { ids: [...ids].sort(), pages };
}

t.test('contacts of a user are all participants of their conversations', async (t) => {
  const [me, ann, bob, cid] = newUsers(4) as [UserId, UserId, UserId, UserId];
  await createGroup(store, [me, ann]);
  await createGroup(store, [me, ann, bob]);
  await createGroup(store, [ann, cid]);
  t.same((await all({ user_id: me })).ids, [me, ann, bob].sort());
  t.same((await all({ user_id: newId<UserId>() })).ids, []);
});

t.test('only users who share a conversation now are shared contacts', async (t) => {
  const [me, ann, bob, gone, cid] = newUsers(5) as [UserId, UserId, UserId, UserId, UserId];
  await createGroup(store, [me, ann, bob]);
  const id = await createGroup(store, [me, ann, gone]);
  await createGroup(store, [ann, cid]);
  const leave =
    'update participants set left_at = now() where conversation_id = $1 and user_id = $2';
  await sql(leave, [id, gone]);
  const shared = async (user_id: UserId, user_ids: UserId[]) =>
    (await store.operations['contacts.shared']({ user_id, user_ids }, 0)).user_ids.sort();
  t.same(await shared(me, [me, ann, bob, gone, cid]), [me, ann, bob].sort());
  t.same(await shared(me, [bob]), [bob]);
  t.same(await shared(gone, [me, ann]), []);
  await t.rejects(shared(me, ['x' as UserId]), { code: 'INVALID_REQUEST' });
});

t.test('contacts who share only the conversation of a business are passing', async (t) => {
  const step = stepTaker(store);
  const { business, manager, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [UserId, UserId];
  const { id, customer } = await makeConversation(store, business);
  const shared = async (user_id: UserId) => {
    const user_ids = [customer, manager, ann, bob];
    const found = await store.operations['contacts.shared']({ user_id, user_ids }, 0);
    return [found.user_ids.sort(), found.passing_ids.sort()];
  };
  await step({ user: manager, id }, 'reopen');
  await step({ user: ann, id }, 'assign');
  const both = [customer, ann].sort();
  t.same(await shared(customer), [both, both]);
  t.same(await shared(ann), [both, both]);
  t.same(await shared(bob), [[], []]);
  await createGroup(store, [customer, ann, bob]);
  t.same(await shared(ann), [[customer, ann, bob].sort(), []]);
  t.same(await shared(manager), [[], []], 'a manager who takes no part sees nobody');
  await step({ user: ann, id }, 'release');
  t.same(await shared(customer), [[customer, ann, bob].sort(), []]);
});

t.test('a user who left is no contact of those who stayed, nor they of the user', async (t) => {
  const [me, gone, bob] = newUsers(3) as [UserId, UserId, UserId];
  const id = await createGroup(store, [me, gone, bob]);
  const leave =
    'update participants set left_at = now() where conversation_id = $1 and user_id = $2';
  await sql(leave, [id, gone]);
  t.same((await all({ user_id: me })).ids, [me, bob].sort());
  t.same((await all({ user_id: gone })).ids, []);
});

t.test('contacts of a business are all participants of its conversations', async (t) => {
  const business = newId<BusinessId>();
  const [ann, bob] = newUsers(2) as [UserId, UserId];
  for (const user of [ann, bob]) {
    const id = await createGroup(store, [user, newId<UserId>()]);
    await sql('update conversations set business_id = $2 where conversation_id = $1', [
      id,
      business,
    ]);
  }
  const { ids } = await all({ business_id: business });
  t.equal(ids.length, 4);
  t.ok(ids.includes(ann) && ids.includes(bob));
});

t.test('a thousand conversations come in pages with each contact at least once', async (t) => {
  const me = newId<UserId>();
  const ids = Array.from({ length: 1_001 }, () => newId<ConversationId>());
  await sql(
    `insert into participants (conversation_id, user_id, role, joined_at)
     select c, u, 'member', now()
     from unnest($1::uuid[]) c, unnest(array[$2::uuid, gen_random_uuid()]) u`,
    [ids, me],
  );
  const found = await all({ user_id: me });
  t.equal(found.pages, 3);
  const expected = await sql<{ user_id: UserId }>(
    'select distinct user_id from participants where conversation_id = any($1) order by user_id',
    [ids],
  );
  t.same(
    found.ids,
    expected.map((row) => row.user_id),
  );
});

t.test('malformed ids and cursors are refused', async (t) => {
  const bad = [{ user_id: 'x' }, {}, { user_id: newId<UserId>(), cursor: 'x' }];
  for (const request of bad) {
    await t.rejects(async () => list(request as never, 0), { code: 'INVALID_REQUEST' });
  }
});
