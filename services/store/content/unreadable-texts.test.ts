import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { MessageId, UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';
import { watchUnreadable } from './unreadable-texts.ts';

const { store, sql, url } = await setStage(t);
const { operations } = store;

/** Three messages, the second of which names a key that nobody has configured. */
async function talkWithUnreadable() {
  const { id, alice, bina } = await createTalk(store);
  const items = ['one', 'two', 'three'].map((text) => {
    return { ...letter(alice, text), metadata: { text } };
  });
  const sent = await appendOk(store, id, items);
  const [, lost] = sent;
  await loseKey(lost?.message_id as MessageId);
  return { id, alice, bina, lost: lost as NonNullable<typeof lost> };
}

const loseKey = (id: MessageId) =>
  sql(`update messages set key_id = 'gone' where message_id = $1`, [id]);
const findKey = (id: MessageId) =>
  sql('update messages set key_id = $2 where message_id = $1', [id, '@1']);

async function targetOf(user_id: UserId, message_id: MessageId) {
  const place = await operations['messages.locate']({ user_id, message_id }, 0);
  return { user_id, message_id, place };
}

t.test('a page of history shows the messages beside one that cannot be read', async (t) => {
  const { id, alice, bina, lost } = await talkWithUnreadable();
  const page = await operations['messages.history']({ user_id: bina, conversation_id: id }, 0);
  t.match(page.messages, [{ content: 'one' }, { seq: 2, sender_id: alice }, { content: 'three' }]);
  const [, shown] = page.messages;
  t.notOk(['content', 'metadata', 'deleted_at'].some((field) => field in (shown ?? {})));
  const one = await operations['messages.get']({ user_id: bina, message_id: lost.message_id }, 0);
  t.same(one, shown);
});

t.test('a replay brings a message that cannot be read in its place', async (t) => {
  const { bina } = await talkWithUnreadable();
  const { messages } = await operations['messages.undelivered']({ user_id: bina }, 0);
  t.same(
    messages.map(({ seq, content }) => [seq, content]),
    [
      [1, 'one'],
      [2, undefined],
      [3, 'three'],
    ],
  );
});

t.test('a reply to a message that cannot be read is sent, with an empty quote', async (t) => {
  const { id, alice, bina, lost } = await talkWithUnreadable();
  const reply = { ...letter(bina, 'a reply'), reply_to: lost.message_id };
  const quote = { message_id: lost.message_id, sender_id: alice, content: '' };
  t.match(await appendOk(store, id, [reply]), [{ seq: 4, reply_to: quote }]);
  const page = await operations['messages.history']({ user_id: bina, conversation_id: id }, 0);
  t.match(page.messages.at(-1), { content: 'a reply', reply_to: quote });
});

t.test('a conversation whose last message cannot be read is shown and changed', async (t) => {
  const { id, alice, bina } = await talkWithUnreadable();
  const [last] = await appendOk(store, id, [letter(alice, 'the last')]);
  await loseKey(last?.message_id as MessageId);
  const ask = { user_id: bina, conversation_id: id };
  const { record } = await operations['conversations.get'](ask, 0);
  t.match(record.last_message, { seq: 4, content: '' });
  const { records } = await operations['conversations.list']({ user_id: bina }, 0);
  t.match(records, [{ last_message: { content: '' } }]);
  const mute = { op: 'conversations.mute' as const, ...ask };
  t.match(await operations['conversations.change'](mute, 0), { record: { is_muted: true } });
});

t.test('a text that cannot be read is edited, and kept for audits as it was', async (t) => {
  const { alice, lost } = await talkWithUnreadable();
  const { message_id } = lost;
  const [before] = await sql('select * from messages where message_id = $1', [message_id]);
  const edit = { ...(await targetOf(alice, message_id)), content: 'new words' };
  const { message, entry } = await operations['messages.edit'](edit, 0);
  t.match(message, { content: 'new words', version: 2, metadata: undefined });
  t.match(entry, { update: { content: 'new words' } });
  const select = 'select * from message_revisions where message_id = $1';
  const { content, metadata, key_id } = before as Record<string, unknown>;
  t.match(await sql(select, [message_id]), [{ version: 1, content, metadata, key_id }]);
});

t.test('a text that cannot be read is deleted, and kept for audits as it was', async (t) => {
  const { alice, lost } = await talkWithUnreadable();
  const target = await targetOf(alice, lost.message_id);
  const { message } = await operations['messages.delete'](target, 0);
  t.match(message, { deleted_at: String, content: undefined });
  const select = 'select key_id from message_revisions where message_id = $1';
  t.match(await sql(select, [lost.message_id]), [{ key_id: 'gone' }]);
});

t.test('a reaction to an edited text that cannot be read counts, and is told later', async (t) => {
  const { alice, lost } = await talkWithUnreadable();
  const target = await targetOf(alice, lost.message_id);
  await operations['messages.edit']({ ...target, content: 'new words' }, 0);
  await loseKey(lost.message_id);
  const reacted = await operations['messages.react']({ ...target, emoji: '👍' }, 0);
  t.match(reacted, { reactions: [{ emoji: '👍', count: 1, mine: true }], entry: undefined });
  const owed = await sql<{ event_id: never }>(
    `select event_id from outbox where payload->>'change' = 'reactions' and conversation_id = $1`,
    [target.place.conversation_id],
  );
  await findKey(lost.message_id);
  const ids = owed.map(({ event_id }) => event_id);
  const claim = { event_ids: ids, limit: 10, lease_ms: 1_000 };
  const { entries } = await operations['outbox.claim'](claim, 0);
  t.match(entries, [{ update: { change: 'reactions', content: 'new words' } }]);
});

t.test('every text that cannot be read is counted, and logged once a minute', async (t) => {
  const lines: string[] = [];
  const options = { service: 'store', instance: 'store-1', level: 'info', hashKey: 'k' };
  const logger = createLogger(options, { write: (line) => lines.push(line) });
  const metrics = createMetrics('store', 'store-1');
  const keys = [{ id: 'k2', key: randomBytes(32) }];
  const noteUnreadable = watchUnreadable({ metrics, logger });
  const reader = openStore(url, { keys, noteUnreadable });
  t.teardown(() => reader.close());
  const { id, bina } = await talkWithUnreadable();
  const ask = { user_id: bina, conversation_id: id };
  const { messages } = await reader.operations['messages.history'](ask, 0);
  t.equal(messages.length, 3);
  const place = { conversation_id: id, message_id: id as never, field: 'content' as const };
  const newer = await reader.ciphers.open([]);
  t.equal(newer.tryDecrypt(Buffer.alloc(40), 'k2', place), undefined);
  const text = await metrics.registry.getSingleMetricAsString('kaha_content_unreadable_total');
  t.match(text, /reason="unknown_key".* 6$/m);
  t.match(text, /reason="damaged".* 1$/m);
  t.equal(lines.length, 2);
  t.notOk(lines.join('').includes(contentKeys[0]?.key.toString('base64') as string));
});
