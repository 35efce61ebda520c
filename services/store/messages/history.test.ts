import t from 'tap';
import type { HistoryRequest } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import {
  appendOk,
  createGroup,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';

const { store, sql, url } = await setStage(t);
const { operations } = store;

const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());
const history = (request: HistoryRequest) => operations['messages.history'](request, 0);

t.test('history pages go down and up, and each page ascends', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const letters = Array.from({ length: 25 }, (_, index) => letter(alice, `m${index + 1}`));
  const sent = await appendOk(store, id, letters);
  const ask = { user_id: bina, conversation_id: id };
  const seqs = async (request: Partial<HistoryRequest>) => {
    const { messages, has_more } = await history({ ...ask, ...request });
    return [messages.map(({ seq }) => seq), has_more];
  };
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  t.same(await seqs({ limit: 10 }), [range(16, 25), true]);
  t.same(await seqs({ limit: 10, before_seq: 16 }), [range(6, 15), true]);
  t.same(await seqs({ limit: 10, before_seq: 6 }), [range(1, 5), false]);
  t.same(await seqs({ limit: 10, before_seq: 11 }), [range(1, 10), false]);
  t.same(await seqs({ limit: 10, after_seq: 0 }), [range(1, 10), true]);
  t.same(await seqs({ limit: 10, after_seq: 15 }), [range(16, 25), false]);
  t.same(await seqs({ after_seq: 25 }), [[], false]);
  t.same(await seqs({ since: sent[0]?.sent_at as string }), [range(1, 25), false]);
  t.same(await seqs({ since: new Date(Date.now() + 60_000).toISOString() }), [[], false]);
  await t.rejects(seqs({ before_seq: 1, after_seq: 1 }), { code: 'INVALID_REQUEST' });
  await t.rejects(seqs({ since: 'yesterday' }), { code: 'INVALID_REQUEST' });
  await t.rejects(seqs({ limit: 201 }), { code: 'INVALID_REQUEST' });
});

t.test('history shows contents, replies, statuses and receipts', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const [first] = await appendOk(store, id, [{ ...letter(alice, 'one'), metadata: { a: 1 } }]);
  const reply_to = first?.message_id as MessageId;
  await appendOk(store, id, [{ ...letter(bina, 'two'), reply_to }]);
  const page = await history({ user_id: alice, conversation_id: id });
  t.match(page.messages[0], { content: 'one', metadata: { a: 1 }, status: 'read', reactions: [] });
  t.match(page.messages[1], { content: 'two', reply_to: { message_id: reply_to, content: 'one' } });
  t.notOk('status' in (page.messages[1] as object), 'only own messages have a status');
  t.equal(page.first_seq, 1);
  const bySeq = new Map(page.receipts.map(({ user_id, read_seq }) => [user_id, read_seq]));
  t.same([bySeq.get(alice), bySeq.get(bina)], [1, 2]);
});

t.test('a page of long messages is cut by size and says that there is more', async (t) => {
  const { id, alice } = await createTalk(store);
  const long = 'नमस्ते '.repeat(1_100).slice(0, 7_900);
  for (let part = 0; part < 2; part += 1) {
    await appendOk(
      store,
      id,
      Array.from({ length: 15 }, () => letter(alice, long)),
    );
  }
  const page = await history({ user_id: alice, conversation_id: id, after_seq: 0 });
  t.ok(Buffer.byteLength(JSON.stringify(page.messages)) <= 256 * 1024);
  t.ok(page.messages.length > 5 && page.messages.length < 30);
  t.equal(page.has_more, true);
  const down = await history({ user_id: alice, conversation_id: id });
  t.equal(down.messages.at(-1)?.seq, 30, 'the newest messages stay');
});

t.test('only participants read history, and only what they can see', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice), letter(alice), letter(alice)]);
  await sql('update participants set first_visible_seq = 3 where user_id = $1', [bina]);
  const page = await history({ user_id: bina, conversation_id: id });
  t.match(page, { first_seq: 3, has_more: false, messages: [{ seq: 3 }] });
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  for (const user_id of [bina, newId<UserId>()]) {
    await t.rejects(history({ user_id, conversation_id: id }), { code: 'NOT_A_PARTICIPANT' });
  }
  const conversation_id = newId<ConversationId>();
  await t.rejects(history({ user_id: bina, conversation_id }), { code: 'CONVERSATION_NOT_FOUND' });
});

t.test('undelivered messages of others come oldest first, in pages', async (t) => {
  const [me, ...others] = users(4) as [UserId, UserId, UserId, UserId];
  const ids = await Promise.all([1, 2].map(() => createGroup(store, [me, ...others])));
  await appendOk(store, ids[0] as ConversationId, [letter(me), letter(others[0])]);
  for (let turn = 0; turn < 130; turn += 1) {
    const id = ids[turn % 2] as ConversationId;
    await appendOk(store, id, [letter(others[0]), letter(others[1]), letter(others[2])]);
  }
  const seen: string[] = [];
  let cursor: string | null | undefined;
  let complete = false;
  let last = '';
  do {
    const request = cursor ? { user_id: me, cursor } : { user_id: me };
    const page = await operations['messages.undelivered'](request, 0);
    for (const { sent_at, sender_id, conversation_id, seq } of page.messages) {
      t.ok(sent_at >= last && sender_id !== me);
      last = sent_at;
      seen.push(`${conversation_id}/${seq}`);
    }
    cursor = page.next_cursor;
    complete = page.complete;
  } while (cursor);
  t.equal(new Set(seen).size, seen.length, 'no message comes twice');
  t.equal(seen.length, 391);
  t.ok(complete);
});

t.test('old, own and hidden messages are not replayed; old ones make it incomplete', async (t) => {
  const keeping = openStore(url, { retentionDays: 0 });
  t.teardown(keeping.close);
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice), letter(alice), letter(alice)]);
  const undelivered = () => keeping.operations['messages.undelivered']({ user_id: bina }, 0);
  await sql('update participants set delivered_seq = 1 where user_id = $1', [bina]);
  t.match(await undelivered(), { messages: [{ seq: 2 }, { seq: 3 }], complete: true });
  await sql('update participants set first_visible_seq = 3 where user_id = $1', [bina]);
  t.match(await undelivered(), { messages: [{ seq: 3 }], complete: true });
  await sql('update participants set first_visible_seq = 1 where user_id = $1', [bina]);
  const old = 'create table if not exists messages_old partition of messages for values from';
  await sql(`${old} ('2020-01-01') to ('2020-02-01')`);
  await sql("update messages set sent_at = '2020-01-05' where conversation_id = $1 and seq = 2", [
    id,
  ]);
  t.match(await undelivered(), { messages: [{ seq: 3 }], complete: false });
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  t.match(await undelivered(), { messages: [], complete: true });
  await t.rejects(operations['messages.undelivered']({ user_id: bina, cursor: 'x' }, 0), {
    code: 'INVALID_REQUEST',
  });
});

t.test('of more than 1000 undelivered messages, the oldest 1000 come as incomplete', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  for (let part = 0; part < 21; part += 1) {
    await appendOk(
      store,
      id,
      Array.from({ length: 50 }, () => letter(alice)),
    );
  }
  const seqs: number[] = [];
  let page = await operations['messages.undelivered']({ user_id: bina }, 0);
  for (;;) {
    seqs.push(...page.messages.map(({ seq }) => seq));
    if (page.next_cursor === null) break;
    const request = { user_id: bina, cursor: page.next_cursor };
    page = await operations['messages.undelivered'](request, 0);
  }
  t.same([seqs.length, seqs[0], seqs.at(-1), page.complete], [1000, 1, 1000, false]);
});

t.test('a list shows each conversation once, whatever is sent meanwhile', async (t) => {
  const me = newId<UserId>();
  const ids: ConversationId[] = [];
  for (let count = 0; count < 9; count += 1) {
    const id = await createGroup(store, [me, newId<UserId>()]);
    if (count % 2 === 0) await appendOk(store, id, [letter(me)]);
    ids.push(id);
  }
  const listed: ConversationId[] = [];
  let cursor: string | null | undefined;
  do {
    const request = { user_id: me, limit: 2, ...(cursor && { cursor }) };
    const page = await operations['conversations.list'](request, 0);
    listed.push(...page.records.map(({ conversation_id }) => conversation_id));
    cursor = page.next_cursor;
    await appendOk(store, ids[0] as ConversationId, [letter(me)]);
    await appendOk(store, ids[listed.length % 9] as ConversationId, [letter(me)]);
    await createGroup(store, [me, newId<UserId>()]);
  } while (cursor);
  // Conversations of one millisecond may come in any order.
  t.same([...listed].sort(), [...ids].sort());
});

t.test('a record shows the unread count, last message, mute and archive of its user', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'one'), letter(alice, 'two')]);
  const get = async () =>
    (await operations['conversations.get']({ user_id: bina, conversation_id: id }, 0)).record;
  const fresh = await get();
  t.match(fresh, { unread: 2, last_seq: 2, last_read_seq: 0, is_muted: false, type: 'direct' });
  t.match(fresh.last_message, { seq: 2, content: 'two', sender_id: alice });
  t.equal(fresh.participants.length, 2);
  t.notOk('title' in fresh || 'archived_at' in fresh, 'columns without a value are absent');
  await sql(
    `update participants set read_seq = 1, is_muted = true, archived_at = now(),
      muted_until = now() - interval '1 minute' where user_id = $1`,
    [bina],
  );
  t.match(await get(), { unread: 1, is_muted: false, archived_at: String });
  const archived = await operations['conversations.list']({ user_id: bina, archived: true }, 0);
  t.match(archived.records, [{ conversation_id: id }]);
  t.same((await operations['conversations.list']({ user_id: bina }, 0)).records, []);
  await sql('update participants set first_visible_seq = 3 where user_id = $1', [bina]);
  const blank = await get();
  t.match(blank, { unread: 0, first_seq: 3, last_message: undefined });
});
