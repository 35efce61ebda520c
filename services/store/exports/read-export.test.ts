import t from 'tap';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import type { ExportItem } from '../../../shared/protocol/export-shapes.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { encodeCursor } from '../records/opaque-cursor.ts';
import { makeBusiness } from '../stage/business-stage.ts';
import { appendOk, createGroup, createTalk, letter, setStage } from '../stage/store-stage.ts';
import { encodePlace } from './export-place.ts';

const { store, sql } = await setStage(t);
const { operations } = store;
const SERVICE = '0123abcd';

const page = (user_id: UserId, cursor?: string) =>
  operations['users.export']({ user_id, service: SERVICE, ...(cursor && { cursor }) }, 0);

/** Reads a whole export, and does something after its first page. */
async function exportOf(userId: UserId, meanwhile?: () => Promise<unknown>) {
  const items: ExportItem[] = [];
  const cursors: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items: some, next_cursor } = await page(userId, cursor);
    items.push(...some);
    if (next_cursor === null) return { items, cursors };
    cursors.push(next_cursor);
    cursor = next_cursor;
    if (cursors.length === 1) await meanwhile?.();
  }
}

async function change(user_id: UserId, message_id: MessageId) {
  const place = await operations['messages.locate']({ user_id, message_id }, 0);
  const target = { user_id, message_id, place };
  return {
    edit: (content: string) => operations['messages.edit']({ ...target, content }, 0),
    remove: () => operations['messages.delete'](target, 0),
    react: (emoji: string) => operations['messages.react']({ ...target, emoji }, 0),
  };
}

type Asked = { user_id: UserId; id: ConversationId; title?: string; participant_id?: UserId };

function command(op: string, { user_id, id, ...rest }: Asked) {
  const asked = { op, user_id, conversation_id: id, ...rest };
  return operations['conversations.change'](asked as ConversationCommand, 0);
}

async function say(id: ConversationId, sender: UserId, content = 'hello') {
  const [sent] = await appendOk(store, id, [letter(sender, content)]);
  if (sent === undefined) throw new Error('not sent');
  return sent;
}

const kinds = (items: readonly ExportItem[]) => items.map(({ kind }) => kind);
const texts = (items: readonly ExportItem[]) =>
  items.flatMap((item) => ('content' in item && item.content ? [item.content] : []));

t.test(
  'an export has all that a person wrote, with earlier texts, and nothing of others',
  async (t) => {
    const { id, alice, bina } = await createTalk(store);
    const first = { ...letter(alice, 'first'), metadata: { page: 7 } };
    const [sent] = await appendOk(store, id, [first]);
    const answer = await say(id, bina, 'of another');
    const reply = { ...letter(alice, 'a reply'), reply_to: answer.message_id };
    const [replied] = await appendOk(store, id, [reply]);
    const own = await change(alice, sent?.message_id as MessageId);
    await own.edit('second');
    await own.edit('third');
    await (await change(bina, answer.message_id)).edit('another of another');
    await (await change(alice, answer.message_id)).react('👍');
    await (await change(bina, sent?.message_id as MessageId)).react('🎉');
    await (await change(alice, replied?.message_id as MessageId)).remove();
    const { business } = await makeBusiness(store, { agents: 0 });
    const agent = { user_id: alice, role: 'manager' as const };
    await operations['businesses.set_agent']({ asker: 'service', business_id: business, agent }, 0);

    const { items } = await exportOf(alice);
    t.match(items, [
      { kind: 'agent', business_id: business, role: 'manager', created_at: String },
      { kind: 'conversation', conversation_id: id, type: 'direct', role: 'member' },
      {
        ...{ kind: 'message', message_id: sent?.message_id, seq: 1, content: 'third' },
        ...{ metadata: { page: 7 }, client_msg_id: first.client_msg_id, edited_at: String },
      },
      { kind: 'revision', version: 1, content: 'first', metadata: { page: 7 } },
      { kind: 'revision', version: 2, content: 'second', replaced_at: String },
      { kind: 'message', seq: 3, reply_to: answer.message_id, deleted_at: String },
      { kind: 'revision', message_id: replied?.message_id, content: 'a reply' },
      { kind: 'reaction', message_id: answer.message_id, emoji: '👍', reacted_at: String },
    ]);
    t.equal(items.length, 8);
    const told = JSON.stringify(items);
    for (const no of ['of another', '🎉', bina]) t.notOk(told.includes(no), no);
    t.notOk('content' in (items[5] as object), 'a deleted message has no text of its own');
  },
);

t.test('devices and their pushes are exported last, without a token', async (t) => {
  const { alice } = await createTalk(store);
  const ids = ['phone', 'A'.repeat(64), 'old-phone'];
  await operations['devices.seen']({ items: ids.map((id) => [alice, id, 0]) }, 0);
  const registration = { provider: 'fcm' as const, token: 'fcm:a-secret-of-the-phone' };
  const device = { user_id: alice, device_id: 'phone', issued_at: Date.now() };
  await operations['push.register']({ ...device, registration }, 0);
  const { items } = await exportOf(alice);
  t.match(items.slice(-3), [
    { kind: 'device', device_id: 'A'.repeat(64), last_seen_at: String },
    { kind: 'device', device_id: 'old-phone', created_at: String },
    { kind: 'device', device_id: 'phone', push: { provider: 'fcm', content: 'sender' } },
  ]);
  t.equal(items.length, 4);
  t.notMatch(JSON.stringify(items), /secret|is_connected/);
  const place = { list: 'devices' as const, id: 'A'.repeat(64) };
  const cursor = encodePlace(alice, { exportId: newId<string>(), place });
  t.ok(cursor.length <= 256);
});

t.test('what a person did in groups is exported, also after they left', async (t) => {
  const [ann, ben, eve] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, ben, eve]);
  await command('conversations.update', { user_id: ann, id, title: 'Friday' });
  await say(id, ben, 'before');
  await command('conversations.remove', { user_id: ben, id, participant_id: ben });
  await command('conversations.update', { user_id: ann, id, title: 'secret of those who stayed' });
  const { items } = await exportOf(ben);
  t.match(items, [
    { kind: 'conversation', conversation_id: id, type: 'group', left_at: String },
    { kind: 'message', message_type: 'text', content: 'before' },
    { kind: 'message', message_type: 'system', metadata: { event: 'participant_left' } },
  ]);
  t.notOk('title' in (items[0] as object));
  const { items: ofAdmin } = await exportOf(ann);
  t.match(ofAdmin[0], { role: 'admin', title: 'secret of those who stayed' });
  t.match(ofAdmin[1], { metadata: { event: 'title_changed', value: 'Friday' } });
});

t.test('pages have at most 256 KiB, and short cursors', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const long = (index: number) => `${index} ${'नमस्ते '.repeat(1_100)}`;
  for (let part = 0; part < 3; part += 1) {
    const letters = Array.from({ length: 10 }, (_, index) =>
      letter(alice, long(10 * part + index)),
    );
    await appendOk(store, id, letters);
    await say(id, bina);
  }
  await sql(`update messages set seq = seq + 9007199254740000 where conversation_id = $1`, [id]);
  const sizes: number[] = [];
  const { items, cursors } = await exportOf(alice);
  for (const cursor of [undefined, ...cursors]) {
    sizes.push(Buffer.byteLength(JSON.stringify(await page(alice, cursor))));
  }
  t.ok(sizes.length > 2 && sizes.every((size) => size <= LIMITS.pageBytesMax), `${sizes}`);
  t.ok(cursors.every((cursor) => cursor.length <= LIMITS.cursorCharactersMax));
  t.same(
    texts(items),
    Array.from({ length: 30 }, (_, index) => long(index)),
  );
});

t.test('a message that was edited often does not outgrow a page', async (t) => {
  const { id, alice } = await createTalk(store);
  const sent = await say(id, alice, 'x'.repeat(7_000));
  await sql(
    `insert into message_revisions select m.message_id, v, m.conversation_id, m.content, null,
       m.key_id, now(), m.sender_id from messages m, generate_series(1, 90) v
     where message_id = $1`,
    [sent.message_id],
  );
  await sql('update messages set edited_at = now() where message_id = $1', [sent.message_id]);
  const { items, cursors } = await exportOf(alice);
  t.ok(cursors.length >= 2);
  const versions = items.flatMap((item) => (item.kind === 'revision' ? [item.version] : []));
  t.same(
    versions,
    Array.from({ length: 90 }, (_, index) => index + 1),
  );
  t.equal(texts(items).length, 91, 'a text that was kept as it was is read');
});

t.test('what is written between two pages neither repeats nor hides what was there', async (t) => {
  const [ann, ben] = [newId<UserId>(), newId<UserId>()];
  const talks = await Promise.all(Array.from({ length: 4 }, () => createGroup(store, [ann, ben])));
  const before: string[] = [];
  for (const id of talks) {
    for (let count = 0; count < 15; count += 1) {
      const { message_id } = await say(id, ann, 'x'.repeat(7_999));
      before.push(message_id);
    }
  }
  const { items } = await exportOf(ann, async () => {
    for (const id of talks) {
      await say(id, ann, 'later');
      await say(id, ben, 'later');
      await command('conversations.update', { user_id: ann, id, title: 'later' });
    }
    await createGroup(store, [ann, ben]);
    await (await change(ann, before[59] as MessageId)).edit('edited later');
    await (await change(ann, before[0] as MessageId)).edit('edited later');
  });
  const ids = items.flatMap((item) => (item.kind === 'message' ? [item.message_id] : []));
  t.equal(new Set(ids).size, ids.length, 'nothing comes twice');
  t.same(
    before.filter((one) => !ids.includes(one as MessageId)),
    [],
  );
});

t.test('thousands of messages of others are passed in bounded steps', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await sql(
    `insert into messages
       (conversation_id, seq, sent_at, message_id, sender_id, message_type, key_id)
     select $1, n, now(), gen_random_uuid(), case when n = 6001 then $2::uuid else $3::uuid end,
       'text', 'k1' from generate_series(1, 6500) n`,
    [id, alice, bina],
  );
  const { items } = await exportOf(alice);
  t.same(kinds(items), ['conversation', 'message']);
  t.match(items[1], { seq: 6001 });
});

t.test('what is hidden from everybody is not exported', async (t) => {
  const { id, alice } = await createTalk(store);
  for (const text of ['old', 'older', 'new']) await say(id, alice, text);
  await sql('update conversations set first_seq = 3 where conversation_id = $1', [id]);
  t.same(texts((await exportOf(alice)).items), ['new']);
  await sql('update conversations set first_seq = 4 where conversation_id = $1', [id]);
  t.same(kinds((await exportOf(alice)).items), ['conversation']);
});

t.test('what is too old to be shown is not exported, whether it is deleted or not', async (t) => {
  const { id, alice } = await createTalk(store);
  for (const text of ['old', 'older', 'new']) await say(id, alice, text);
  await sql(`create table messages_of_2019 partition of messages
    for values from ('2019-01-01') to ('2020-01-01')`);
  const age = `update messages set sent_at = '2019-06-01' where conversation_id = $1 and seq = $2`;
  await sql(age, [id, 2]);
  t.same(texts((await exportOf(alice)).items), ['new'], 'a clock had jumped before the first');
  await sql(age, [id, 3]);
  t.same(kinds((await exportOf(alice)).items), ['conversation']);
});

t.test('a text that cannot be read is absent, and costs nothing else', async (t) => {
  const { id, alice } = await createTalk(store);
  const sent = await say(id, alice, 'damaged');
  await say(id, alice, 'whole');
  await sql(`update messages set content = '\\x00' where message_id = $1`, [sent.message_id]);
  const { items } = await exportOf(alice);
  t.same(kinds(items), ['conversation', 'message', 'message']);
  t.same(texts(items), ['whole']);
});

t.test('a person of whom nothing is stored has an empty export', async (t) => {
  t.same(await page(newId()), { items: [], next_cursor: null });
});

t.test('a cursor is good for its person and its list alone', async (t) => {
  const [ann, ben] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, ben]);
  for (let count = 0; count < 40; count += 1) await say(id, ann, 'x'.repeat(7_999));
  const { cursors } = await exportOf(ann);
  const [cursor] = cursors as [string];
  const list = `export ${ann}`;
  const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()).slice(1);
  const [exportId, ...place] = parts as [string, ...(string | number)[]];
  const refused = [
    ...['', 'x', cursor.slice(1), Buffer.from('[]').toString('base64url')],
    encodeCursor(`agents ${ann}`, parts),
    encodeCursor(list, [exportId, 'everything', ...place.slice(1)]),
    encodeCursor(list, [exportId, ...place.slice(0, -1), -1]),
    encodeCursor(list, [exportId, ...place.slice(0, -1), 1.5]),
    encodeCursor(list, [exportId, ...place.slice(0, -1), 2 ** 40]),
    encodeCursor(list, [exportId, ...place, 1]),
    encodeCursor(list, [newId<string>(), ...place]),
  ];
  for (const wrong of refused) {
    if (wrong !== '') await t.rejects(page(ann, wrong), { code: 'INVALID_REQUEST' }, wrong);
  }
  await t.rejects(page(ben, cursor), { code: 'INVALID_REQUEST' });
  t.ok((await page(ann, cursor)).items.length > 0, 'and it may be used again');
});

t.test('each export has a record of who asked for it, and how far it came', async (t) => {
  const [ann, ben] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, ben]);
  for (let count = 0; count < 40; count += 1) await say(id, ann, 'x'.repeat(7_999));
  const { next_cursor } = await page(ann);
  const records = () => sql('select * from exports where user_id = $1 order by started_at', [ann]);
  t.match(await records(), [{ service: SERVICE, pages: 1, finished_at: null }]);
  const user = { user_id: ann, service: 'another!', cursor: next_cursor as string };
  const last = await operations['users.export'](user, 0);
  t.equal(last.next_cursor, null);
  const [record] = await records();
  t.match(record, { service: SERVICE, pages: 2, items: 41, finished_at: String });
  await page(ann);
  t.equal((await records()).length, 2);
  t.same(await sql('select 1 from exports where user_id = $1', [ben]), []);
});
