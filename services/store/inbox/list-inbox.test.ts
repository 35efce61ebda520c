import t from 'tap';
import type { InboxList, InboxPage } from '../../../shared/contracts/inbox-reads.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { makeBusiness, makeConversation } from '../stage/business-stage.ts';
import { setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const rows = new BusinessRows(sql);
const { operations } = store;

/** The business has a manager and two agents. */
async function newBusiness() {
  const { business: business_id, manager: boss, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [UserId, UserId];
  return { business_id, boss, ann, bob };
}

const ago = (minutes: number): string => `now() - interval '${minutes} minutes'`;
const idOf = async (placed: Promise<{ conversation_id: ConversationId }>) =>
  (await placed).conversation_id;
const waiting = (business: BusinessId, minutes: number) =>
  idOf(rows.waiting(business, ago(minutes)));
const assigned = (business: BusinessId, agent: UserId) => idOf(rows.assigned(business, { agent }));
const closed = (business: BusinessId, agent: UserId, minutes: number) =>
  idOf(rows.closed(business, agent, ago(minutes)));

const list = (request: InboxList): Promise<InboxPage> => operations['inbox.list'](request, 0);
const idsOf = ({ records }: InboxPage) => records.map(({ conversation_id }) => conversation_id);

/** Reads all pages of two conversations each. */
async function listAll(request: InboxList): Promise<ConversationId[]> {
  const page = await list({ ...request, limit: 2 });
  t.ok(page.records.length <= 2);
  if (page.next_cursor === null) return idsOf(page);
  return [...idsOf(page), ...(await listAll({ ...request, cursor: page.next_cursor }))];
}

t.test('what waits is listed to every agent, the longest waiting first', async (t) => {
  const { business_id, boss, ann } = await newBusiness();
  const ids: ConversationId[] = [];
  for (const minutes of [9, 1, 5, 7, 3]) ids[minutes] = await waiting(business_id, minutes);
  await makeConversation(store, business_id);
  const expected = [9, 7, 5, 3, 1].map((minutes) => ids[minutes]);
  for (const user_id of [boss, ann]) {
    t.same(await listAll({ user_id, business_id, view: 'waiting' }), expected);
  }
});

t.test('of those that wait since the same time each is listed once', async (t) => {
  const { business_id, ann } = await newBusiness();
  const since = "'2026-01-01T00:00:00Z'";
  const ids: ConversationId[] = [];
  for (let made = 0; made < 5; made += 1) {
    ids.push(await idOf(rows.waiting(business_id, since)));
  }
  const listed = await listAll({ user_id: ann, business_id, view: 'waiting' });
  t.same(listed, ids.sort());
});

t.test('an agent finds what they have, and a manager what everybody has', async (t) => {
  const { business_id, boss, ann, bob } = await newBusiness();
  const own = [await assigned(business_id, ann), await assigned(business_id, ann)].sort();
  const other = await assigned(business_id, bob);
  const bosses = await assigned(business_id, boss);
  t.same(await listAll({ user_id: ann, business_id, view: 'mine' }), own);
  t.same(await listAll({ user_id: boss, business_id, view: 'mine' }), [bosses]);
  const all = await listAll({ user_id: boss, business_id, view: 'assigned' });
  t.same(all.sort(), [...own, other, bosses].sort());
  const refused = list({ user_id: ann, business_id, view: 'assigned' });
  await t.rejects(refused, { code: 'FORBIDDEN' });
});

t.test(
  'closed ones are listed to their last agent and to managers, the newest first',
  async (t) => {
    const { business_id, boss, ann, bob } = await newBusiness();
    const old = await closed(business_id, ann, 9);
    const others = await closed(business_id, bob, 5);
    const recent = await closed(business_id, ann, 1);
    // Nobody has written in this one yet, so it is in no inbox.
    await makeConversation(store, business_id);
    t.same(await listAll({ user_id: ann, business_id, view: 'closed' }), [recent, old]);
    t.same(await listAll({ user_id: bob, business_id, view: 'closed' }), [others]);
    t.same(await listAll({ user_id: boss, business_id, view: 'closed' }), [recent, others, old]);
  },
);

t.test('one who takes part gets an own record, and others that of a reader', async (t) => {
  const { business_id, boss, ann } = await newBusiness();
  const id = await assigned(business_id, ann);
  const [own] = (await list({ user_id: ann, business_id, view: 'mine' })).records;
  t.match(own, { conversation_id: id, unread: 0, last_read_seq: 0, is_muted: false });
  const [bare] = (await list({ user_id: boss, business_id, view: 'assigned' })).records;
  t.match(bare, { conversation_id: id, state: 'assigned', assignee_id: ann });
  for (const key of ['unread', 'last_read_seq', 'is_muted']) t.notHas(bare, key);
});

t.test('counts and version come with every page, and are of the business alone', async (t) => {
  const { business_id, boss, ann, bob } = await newBusiness();
  const empty = await list({ user_id: ann, business_id, view: 'waiting' });
  const counts = { waiting: 0, assigned: 0, mine: 0 };
  t.same(empty, { records: [], next_cursor: null, version: 0, counts });
  await waiting((await newBusiness()).business_id, 1);
  for (const agent of [ann, ann, bob]) await assigned(business_id, agent);
  await waiting(business_id, 1);
  await closed(business_id, ann, 1);
  await sql('update business_inboxes set version = 7 where business_id = $1', [business_id]);
  const read = async (user_id: UserId) => {
    const { version, counts } = await list({ user_id, business_id, view: 'closed', limit: 1 });
    return { version, counts };
  };
  t.same(await read(ann), { version: 7, counts: { waiting: 1, assigned: 3, mine: 2 } });
  t.same(await read(boss), { version: 7, counts: { waiting: 1, assigned: 3, mine: 0 } });
  const head = await operations['inbox.head'](
    { business_id, user_ids: [ann, boss, newId<UserId>()] },
    0,
  );
  t.same(head, {
    version: 7,
    waiting: 1,
    assigned: 3,
    mine: { [ann]: 2 },
    roles: { [ann]: 'agent', [boss]: 'manager' },
  });
});

t.test('a stranger, a customer and an agent of another business are refused', async (t) => {
  const { business_id, ann } = await newBusiness();
  const id = await waiting(business_id, 1);
  const [row] = await sql<{ customer_id: UserId }>(
    'select customer_id from conversations where conversation_id = $1',
    [id],
  );
  const { ann: elsewhere } = await newBusiness();
  const forbidden = { code: 'FORBIDDEN' };
  for (const user_id of [newId<UserId>(), row?.customer_id as UserId, elsewhere]) {
    await t.rejects(list({ user_id, business_id, view: 'waiting' }), forbidden);
  }
  const nowhere = { user_id: ann, business_id: newId<BusinessId>(), view: 'mine' } as const;
  await t.rejects(list(nowhere), forbidden);
});

t.test('a cursor is good for its caller, business and view alone', async (t) => {
  const [here, there] = [await newBusiness(), await newBusiness()];
  const { business_id, ann, bob } = here;
  for (const minutes of [1, 2, 3]) await waiting(business_id, minutes);
  await operations['businesses.set_agent'](
    { asker: 'service', business_id: there.business_id, agent: { user_id: ann } },
    0,
  );
  const request = { user_id: ann, business_id, view: 'waiting', limit: 2 } as const;
  const cursor = (await list(request)).next_cursor as string;
  t.ok(cursor.length <= 256);
  t.equal((await list({ ...request, cursor })).records.length, 1);
  const refused = { code: 'INVALID_REQUEST' };
  await t.rejects(list({ ...request, cursor, user_id: bob }), refused);
  await t.rejects(list({ ...request, cursor, business_id: there.business_id }), refused);
  await t.rejects(list({ ...request, cursor, view: 'mine' }), refused);
  await t.rejects(list({ ...request, cursor: 'bm9uZQ' }), refused);
});

t.test('a page that would be too long ends earlier, and the next one goes on', async (t) => {
  const { business_id, boss } = await newBusiness();
  const ids: ConversationId[] = [];
  const title = 'x'.repeat(200_000);
  for (let made = 0; made < 4; made += 1) {
    const id = await waiting(business_id, 9 - made);
    await sql('update conversations set title = $2 where conversation_id = $1', [id, title]);
    ids.push(id);
  }
  const request = { user_id: boss, business_id, view: 'waiting' } as const;
  const first = await list(request);
  t.same(idsOf(first), ids.slice(0, 2));
  const second = await list({ ...request, cursor: first.next_cursor as string });
  t.same(idsOf(second), ids.slice(2));
});
