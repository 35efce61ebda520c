import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { appendOk, createGroup, letter, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;

type Page = { ids: ConversationId[]; next: string | null };

async function list(user_id: UserId, limit: number, cursor: string | null = null): Promise<Page> {
  const request = { user_id, limit, ...(cursor !== null && { cursor }) };
  const page = await store.operations['conversations.list'](request, 0);
  const ids = page.records.map(({ conversation_id }) => conversation_id);
  return { ids, next: page.next_cursor };
}

async function rest(user_id: UserId, { next }: Page): Promise<ConversationId[]> {
  if (next === null) return [];
  const page = await list(user_id, 3, next);
  return [...page.ids, ...(await rest(user_id, page))];
}

/** The ages are of the last messages, in minutes; each conversation has an older message too. */
async function withAges(me: UserId, ages: number[]): Promise<ConversationId[]> {
  const ids: ConversationId[] = [];
  for (const age of ages) {
    const id = await createGroup(store, [me, newId<UserId>()]);
    await appendOk(store, id, [letter(me), letter(me)]);
    const shift = [id, age];
    await sql(
      `update messages set sent_at = now() - make_interval(mins => $2::int + 60 * (2 - seq::int))
       where conversation_id = $1`,
      shift,
    );
    await sql(
      `update conversations set created_at = now() - interval '9 days', last_activity = l.at,
       last_sent_at = l.at from (
         select max(sent_at) as at from messages where conversation_id = $1) l
       where conversation_id = $1`,
      [id],
    );
    ids.push(id);
  }
  return ids;
}

t.test('messages sent between pages move and repeat no conversation', async (t) => {
  const me = newId<UserId>();
  const ids = await withAges(me, [1, 2, 3, 4, 5, 6, 7, 8]);
  const first = await list(me, 3);
  t.same(first.ids, ids.slice(0, 3));
  // Conversation 1 was listed, 5 was not, and 7 was not and gets another message later.
  for (const index of [1, 5, 7]) {
    await appendOk(store, ids[index] as ConversationId, [letter(me)]);
  }
  const second = await list(me, 2, first.next);
  t.same(second.ids, ids.slice(3, 5));
  await appendOk(store, ids[7] as ConversationId, [letter(me)]);
  t.same(await rest(me, second), ids.slice(5));
  t.same((await list(me, 3)).ids, [ids[7], ids[5], ids[1]], 'a new listing has the new order');
});

t.test('a send that is committed late hides no conversation', async (t) => {
  const me = newId<UserId>();
  const ids = await withAges(me, [1, 2, 3, 4]);
  const before = new Date(Date.now() - 1_000).toISOString();
  const first = await list(me, 2);
  await sql('update conversations set last_activity = $2 where conversation_id = $1', [
    ids[3],
    before,
  ]);
  t.same(await rest(me, first), ids.slice(2));
});

t.test('recent conversations are listed once, wherever the page ends', async (t) => {
  for (const limit of [1, 2, 3, 5]) {
    const me = newId<UserId>();
    const ids = await withAges(me, [1, 2]);
    for (let count = 0; count < 4; count += 1) {
      ids.push(await createGroup(store, [me, newId<UserId>()]));
      if (count > 1) await appendOk(store, ids.at(-1) as ConversationId, [letter(me)]);
    }
    const first = await list(me, limit);
    await appendOk(store, ids[0] as ConversationId, [letter(me)]);
    await appendOk(store, ids[3] as ConversationId, [letter(me)]);
    await createGroup(store, [me, newId<UserId>()]);
    const all = [...first.ids, ...(await rest(me, first))];
    t.equal(all.length, new Set(all).size, 'no conversation comes twice');
    const missed = ids.filter((id) => !all.includes(id));
    t.same(missed, [], `none missed at ${limit}`);
  }
});

t.test('new conversations are listed by activity, page by page', async (t) => {
  const me = newId<UserId>();
  const ids: ConversationId[] = [];
  for (let count = 0; count < 6; count += 1) {
    ids.push(await createGroup(store, [me, newId<UserId>()]));
    await appendOk(store, ids.at(-1) as ConversationId, [letter(me)]);
  }
  await appendOk(store, ids[1] as ConversationId, [letter(me)]);
  const first = await list(me, 2);
  await appendOk(store, ids[0] as ConversationId, [letter(me)]);
  const order = [1, 5, 4, 3, 2, 0].map((index) => ids[index]);
  t.same([...first.ids, ...(await rest(me, first))], order);
});

t.test('the largest page leads to a cursor that is accepted', async (t) => {
  const me = newId<UserId>();
  for (let count = 0; count < 203; count += 1) await createGroup(store, [me, newId<UserId>()]);
  const first = await list(me, 200);
  t.ok((first.next ?? '').length <= 256, `${first.next?.length}`);
  const second = await list(me, 200, first.next);
  t.same([first.ids.length, second.ids.length, second.next], [200, 3, null]);
  t.equal(new Set([...first.ids, ...second.ids]).size, 203);
});
