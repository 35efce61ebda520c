import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { closeRedis, connectRedis } from '../../../shared/process/redis.ts';
import { createListCipher } from '../content/list-cipher.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  openStore,
  setStage,
  silent,
} from '../stage/store-stage.ts';
import { ChatListCache } from './chat-list-cache.ts';

const stage = await setStage(t);
const redis = connectRedis(await redisUrl(), silent);
const metrics = createMetrics('test', 'store-1');
const cipher = createListCipher(contentKeys);
const chatLists = new ChatListCache({ redis, cipher, metrics, logger: silent });
const store = openStore(stage.url, { chatLists });
/** The other store writes and has no cache. */
const other = stage.store;
t.teardown(async () => {
  await store.close();
  await closeRedis(redis);
});
await new Promise((resolve) => redis.once('ready', resolve));

const list = (user_id: UserId, more: { archived?: boolean; limit?: number } = {}) =>
  store.operations['conversations.list']({ user_id, ...more }, 0);
const fresh = (user_id: UserId) => other.operations['conversations.list']({ user_id }, 0);

async function countOf(outcome: string): Promise<number> {
  const [metric] = (await metrics.registry.getMetricsAsJSON()).filter(
    ({ name }) => name === 'kaha_chat_list_cache_total',
  );
  return metric?.values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
}

/** The promise resolves with the key once Redis has the page. */
async function kept(userId: UserId): Promise<string> {
  for (;;) {
    // The client puts its prefix before every key, but not before a pattern.
    const [key] = await redis.keys(`*chats:${userId}:*`);
    if (key !== undefined) return key.slice(key.indexOf('chats:'));
  }
}

t.test('an unchanged page comes from Redis as it was', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(bina, 'a secret')]);
  const first = await list(alice);
  const key = await kept(alice);
  const hits = await countOf('hit');
  t.same(await list(alice), first);
  t.equal(await countOf('hit'), hits + 1);
  const entry = (await redis.getBuffer(key)) as Buffer;
  t.notOk(entry.includes('secret') || entry.includes(id), 'the entry is encrypted');
  t.ok((await redis.ttl(key)) > 0);
  t.same(await list(alice, { archived: true }), { records: [], next_cursor: null });
});

t.test('a change by any store is in the next list', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const change = (op: string, rest: object = {}) =>
    other.operations['conversations.change'](
      { op, user_id: alice, conversation_id: id, ...rest } as ConversationCommand,
      0,
    );
  const steps: [string, () => Promise<unknown>][] = [
    ['a message', () => appendOk(other, id, [letter(bina)])],
    ['own message', () => appendOk(other, id, [letter(alice)])],
    ['one more', () => appendOk(other, id, [letter(bina)])],
    ['the end of its row', () => stage.sql('delete from messages where seq = 3')],
    ['a mute', () => change('conversations.mute', { until: new Date(Date.now() + 3_600_000) })],
    ['the end of a mute', () => stage.sql('update participants set muted_until = now()')],
    [
      'a position',
      () => stage.sql('update participants set read_seq = read_seq + 1 where user_id = $1', [bina]),
    ],
    [
      'an edit',
      () => stage.sql('update messages set version = 2, deleted_at = now() where seq = 2'),
    ],
    ['an archive', () => change('conversations.archive')],
    ['another conversation', () => createFor(alice)],
    ['a departure', () => stage.sql('update participants set left_at = now()')],
  ];
  const createFor = (user_id: UserId) => {
    const conversation = { type: 'direct' as const, participant_ids: [newId<UserId>()] };
    return other.operations['conversations.create']({ user_id, conversation }, 0);
  };
  for (const [what, step] of steps) {
    await list(alice);
    await kept(alice);
    const hits = await countOf('hit');
    await step();
    t.same(await list(alice), await fresh(alice), what);
    t.equal(await countOf('hit'), hits, `${what} is seen`);
  }
});

t.test('each page size has its own entry, and a cached cursor works', async (t) => {
  const me = newId<UserId>();
  const ids: ConversationId[] = [];
  for (let count = 0; count < 5; count += 1) {
    const conversation = { type: 'direct' as const, participant_ids: [newId<UserId>()] };
    const made = await store.operations['conversations.create']({ user_id: me, conversation }, 0);
    ids.unshift(made.record.conversation_id);
  }
  await list(me, { limit: 2 });
  await kept(me);
  const page = await list(me, { limit: 2 });
  t.equal((await list(me)).records.length, 5);
  const rest = { user_id: me, cursor: page.next_cursor as string };
  const { records } = await store.operations['conversations.list'](rest, 0);
  const all = [...page.records, ...records].map(({ conversation_id }) => conversation_id);
  t.same(new Set(all), new Set(ids));
});

t.test('a foreign or moved entry is replaced', async (t) => {
  const { alice, bina } = await createTalk(store);
  await list(alice);
  const key = await kept(alice);
  const entry = (await redis.getBuffer(key)) as Buffer;
  const [header] = entry.toString('latin1').split('\n') as [string];
  for (const forged of ['nonsense', `${header}\nnonsense`, `k9${header.slice(2)}\nx`, '']) {
    await redis.set(key, forged);
    t.same(await list(alice), await fresh(alice));
  }
  await redis.set(key.replace(alice, bina), entry);
  t.same(await list(bina), await fresh(bina));
});

t.test('without Redis the list comes from Postgres', async (t) => {
  const { alice } = await createTalk(store);
  await list(alice);
  redis.disconnect();
  t.same(await list(alice), await fresh(alice));
  t.ok((await countOf('failed')) > 0);
});
