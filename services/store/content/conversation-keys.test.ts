import { randomBytes } from 'node:crypto';
import t from 'tap';
import { type ConversationId, newId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  setStage,
  silent,
} from '../stage/store-stage.ts';
import { ConversationKeys } from './conversation-keys.ts';
import { countKeyUses } from './key-uses.ts';

const { store, open, sql } = await setStage(t);
const { db, operations } = store;
const k2 = { id: 'k2', key: randomBytes(32) };

/** These are the keys as a process sees them that has just started. */
function openKeys(list = contentKeys) {
  const metrics = createMetrics('store', 'store-1');
  const noteUse = countKeyUses(metrics, list);
  const keys = new ConversationKeys({ db, contentKeys: list, metrics, logger: silent, noteUse });
  const metricOf = async (name: string): Promise<string> => {
    const text = await metrics.registry.getSingleMetricAsString(name);
    return text.split('\n').at(-1) ?? '';
  };
  return { keys, metricOf };
}

const rowsOf = (id: ConversationId) =>
  sql('select * from content_keys where conversation_id = $1 order by generation', [id]);
const erase = (id: ConversationId) =>
  sql('update content_keys set wrapped = null where conversation_id = $1', [id]);
const textsOf = async (id: ConversationId, user_id: never) => {
  const page = await operations['messages.history']({ user_id, conversation_id: id }, 0);
  return page.messages.map(({ content }) => content);
};

t.test('many who want the key of a conversation at once get one key', async (t) => {
  const { id } = await createTalk(store);
  const all = [openKeys(), openKeys(), openKeys()];
  const got = await Promise.all(
    all.flatMap(({ keys }) => [keys.newest(id), keys.newest(id), keys.newest(id)]),
  );
  const texts = got.map((key) => key?.keyFor('content').toString('hex'));
  t.equal(new Set(texts).size, 1);
  t.ok(texts[0]);
  t.match(await rowsOf(id), [{ generation: 1, key_id: 'k1' }]);
});

t.test('a conversation that does not exist has no key and gets none', async (t) => {
  const { keys } = openKeys();
  const id = newId<ConversationId>();
  t.equal(await keys.newest(id), undefined);
  t.same(await rowsOf(id), []);
});

t.test('a key is unwrapped by whoever knows the content key, and read once', async (t) => {
  const { id } = await createTalk(store);
  const made = await openKeys().keys.newest(id);
  const { keys, metricOf } = openKeys([k2, ...contentKeys]);
  for (let n = 0; n < 3; n += 1) {
    const found = await keys.find([{ conversation_id: id, key_id: '@1' }]);
    t.same([...found.values()][0]?.keyFor('content'), made?.keyFor('content'));
  }
  t.match(await metricOf('kaha_conversation_key_loads_total'), / 1$/);
  t.match(await metricOf('kaha_conversation_keys_cached'), / 1$/);
});

t.test('texts under content keys, and keys that are gone, are not looked for', async (t) => {
  const { id } = await createTalk(store);
  const { keys } = openKeys();
  await keys.newest(id);
  await erase(id);
  const rows = ['k1', '@2', '@1'].map((key_id) => ({ conversation_id: id, key_id }));
  t.equal((await openKeys().keys.find(rows)).size, 0);
});

t.test(
  'a key that cannot be unwrapped is counted, and the next writer makes another',
  async (t) => {
    const { id } = await createTalk(store);
    await openKeys().keys.newest(id);
    const { keys, metricOf } = openKeys([k2]);
    t.equal((await keys.find([{ conversation_id: id, key_id: '@1' }])).size, 0);
    t.match(await metricOf('kaha_conversation_key_failures_total'), /reason="unknown_key".* 1$/);
    t.match((await keys.newest(id))?.place, { generation: 2 });
    t.match(await rowsOf(id), [{ key_id: 'k1' }, { key_id: 'k2' }]);
  },
);

t.test('a key that was moved to another row is damaged there', async (t) => {
  const [one, other] = [await createTalk(store), await createTalk(store)];
  const { keys } = openKeys();
  await Promise.all([keys.newest(one.id), keys.newest(other.id)]);
  await sql(
    `update content_keys set wrapped = (select wrapped from content_keys
      where conversation_id = $2) where conversation_id = $1`,
    [one.id, other.id],
  );
  const reader = openKeys();
  t.equal((await reader.keys.find([{ conversation_id: one.id, key_id: '@1' }])).size, 0);
  t.match(await reader.metricOf('kaha_conversation_key_failures_total'), /"damaged".* 1$/);
});

t.test('a send that was encrypted with a key that is gone gets another key', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'before')]);
  await erase(id);
  await appendOk(store, id, [letter(alice, 'one'), letter(alice, 'two')]);
  t.match(await rowsOf(id), [{ generation: 1, wrapped: null }, { generation: 2 }]);
  t.same((await textsOf(id, alice as never)).slice(1), ['one', 'two']);
});

t.test('a key that a failover lost, and that was made again, is told from the first', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'before')]);
  await sql('delete from content_keys where conversation_id = $1', [id]);
  await openKeys().keys.newest(id);
  await sql(
    `update content_keys set created_at = now() + interval '1 s'
    where conversation_id = $1`,
    [id],
  );
  await appendOk(store, id, [letter(alice, 'after')]);
  t.same((await textsOf(id, alice as never)).slice(1), ['after']);
});

t.test('a reader whose key a failover lost looks the new one up, and does so once', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'before')]);
  await sql('delete from content_keys where conversation_id = $1', [id]);
  await appendOk(open(), id, [letter(alice, 'after')]);
  t.same(await textsOf(id, alice as never), [undefined, 'after']);
  const loads = async () =>
    store.metrics.registry.getSingleMetricAsString('kaha_conversation_key_loads_total');
  const before = await loads();
  t.same(await textsOf(id, alice as never), [undefined, 'after']);
  t.equal(await loads(), before, 'the text that stays unreadable costs no further query');
});

t.test('an edit and a change meet an erased key, and are written with the next one', async (t) => {
  const { id, alice } = await createTalk(store);
  const [sent] = await appendOk(store, id, [letter(alice, 'before')]);
  const { message_id } = sent as NonNullable<typeof sent>;
  const place = await operations['messages.locate']({ user_id: alice, message_id }, 0);
  await erase(id);
  const edit = { user_id: alice, message_id, place, content: 'after' };
  await operations['messages.edit'](edit, 0);
  t.same(await textsOf(id, alice as never), ['after']);
});

t.test('each key that is wrapped counts for the content key that wraps it', async (t) => {
  const { id } = await createTalk(store);
  const { keys, metricOf } = openKeys([k2, ...contentKeys]);
  await keys.newest(id);
  await keys.newest(id);
  t.match(await metricOf('kaha_content_key_uses_total'), /key_id="k2".* 1$/);
});
