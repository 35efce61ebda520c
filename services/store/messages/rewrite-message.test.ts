import pg from 'pg';
import t from 'tap';
import type { MessageTarget } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { type EventId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { toKahaError } from '../database/database-error.ts';
import {
  appendOk,
  createGroup,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql, url } = stage;
const { operations } = store;
const noWindow = openStore(url, { editWindowMs: 0 });
t.teardown(() => noWindow.close());

type Named = { user_id: UserId; message_id: MessageId };
const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());
const locate = (named: Named) => operations['messages.locate'](named, 0);

async function target(named: Named): Promise<MessageTarget> {
  return { ...named, place: await locate(named) };
}
async function edit(named: Named, content: string, { operations } = store) {
  return operations['messages.edit']({ ...(await target(named)), content }, 0);
}
async function remove(named: Named) {
  return operations['messages.delete'](await target(named), 0);
}
async function react(named: Named, emoji: string, isRemoved = false) {
  const reaction = { ...(await target(named)), emoji, remove: isRemoved };
  return operations['messages.react'](reaction, 0);
}
const get = (named: Named) => operations['messages.get'](named, 0);
const updateOf = (entry: OutboxEntry | undefined) =>
  entry?.kind === 'message_updated' ? entry.update : undefined;

async function post(conversation: Awaited<ReturnType<typeof createTalk>>['id'], sender: UserId) {
  const item = { ...letter(sender, 'first words'), metadata: { page: 7 } };
  const [sent] = await appendOk(store, conversation, [item]);
  if (sent === undefined) throw new Error('not sent');
  return sent;
}

t.test('an edit shows everywhere, and the earlier text is kept encrypted', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const { message_id, seq } = await post(id, alice);
  const mine = { user_id: alice, message_id };
  const { message, entry } = await edit(mine, 'second words');
  t.match(message, { content: 'second words', version: 2, metadata: { page: 7 }, status: 'sent' });
  t.match(message.edited_at, /^20.*Z$/);
  t.same(new Set(entry?.user_ids), new Set([alice, bina]));
  const { edited_at } = message;
  const common = { message_id, conversation_id: id, seq, version: 2, change: 'edited' };
  const update = { ...common, content: 'second words', edited_at, reactions: [] };
  t.same(updateOf(entry), update);
  t.same(await get(mine), message);
  const page = await operations['messages.history']({ user_id: bina, conversation_id: id }, 0);
  t.match(page.messages, [{ content: 'second words', edited_at, version: 2 }]);
  const again = await edit(mine, 'second words');
  t.same([again.message.version, again.entry], [2, undefined], 'the same text changes nothing');
  await edit(mine, 'third words');

  const kept = await sql<{ version: number; content: Buffer; metadata: Buffer }>(
    'select version, content, metadata from message_revisions where message_id = $1 order by 1',
    [message_id],
  );
  t.same(
    kept.map(({ version }) => version),
    [1, 2],
  );
  t.notOk(
    kept.some(({ content }) => content.includes('words')),
    'a dump does not show the text',
  );
  await t.rejects(
    sql('update message_revisions set content = null where message_id = $1', [message_id]),
    /append-only/,
  );
  await sql('update messages set content = $1 where message_id = $2', [
    kept[0]?.content,
    message_id,
  ]);
  t.notOk('content' in (await get(mine)), 'an earlier text put back does not open');
});

t.test('only the sender edits, in time, and no tombstone or system message', async (t) => {
  const [admin, bina, chandra, stranger] = users(4) as [UserId, UserId, UserId, UserId];
  const id = await createGroup(store, [admin, bina, chandra]);
  const { message_id } = await post(id, bina);
  const of = (user_id: UserId): Named => ({ user_id, message_id });
  await t.rejects(edit(of(admin), 'x'), { code: 'FORBIDDEN' });
  await t.rejects(edit(of(stranger), 'x'), { code: 'MESSAGE_NOT_FOUND' });
  await t.rejects(edit({ user_id: bina, message_id: newId() }, 'x'), { code: 'MESSAGE_NOT_FOUND' });
  await t.rejects(edit(of(bina), 'x', noWindow), { code: 'FORBIDDEN' });
  const muted = 'is_muted = true, archived_at = now()';
  await sql(`update participants set ${muted} where user_id = $1`, [bina]);
  t.equal((await edit(of(bina), 'muted and archived')).message.version, 2);
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  await t.rejects(edit(of(bina), 'x'), { code: 'MESSAGE_NOT_FOUND' });
  const place = await locate(of(admin));
  await t.rejects(operations['messages.edit']({ ...of(bina), place, content: 'x' }, 0), {
    code: 'MESSAGE_NOT_FOUND',
  });
  await sql('update participants set left_at = null where user_id = $1', [bina]);
  await remove(of(bina));
  await t.rejects(edit(of(bina), 'x'), { code: 'CONFLICT' });
  await t.rejects(react(of(bina), '👍'), { code: 'CONFLICT' });
  await t.rejects(edit(of(admin), 'x'), { code: 'FORBIDDEN' }, 'a missing right is judged first');
  const { message_id: system } = await post(id, bina);
  await sql(`update messages set message_type = 'system' where message_id = $1`, [system]);
  const named = { user_id: bina, message_id: system };
  const changes = [() => edit(named, 'x'), () => remove(named), () => react(named, '👍')];
  for (const change of changes) await t.rejects<unknown>(change, { code: 'FORBIDDEN' });
  await t.rejects(remove({ ...named, user_id: admin }), { code: 'FORBIDDEN' });
});

t.test('a deleted message is a tombstone everywhere, and the deletion is recorded', async (t) => {
  const [admin, bina, chandra] = users(3) as [UserId, UserId, UserId];
  const id = await createGroup(store, [admin, bina, chandra]);
  const { message_id, seq } = await post(id, bina);
  const reply = { ...letter(chandra, 'an answer'), reply_to: message_id };
  await appendOk(store, id, [reply]);
  const of = (user_id: UserId): Named => ({ user_id, message_id });
  await react(of(chandra), '👍');
  await t.rejects(remove(of(chandra)), { code: 'FORBIDDEN' });
  const { message, entry } = await remove(of(admin));
  const { deleted_at } = message;
  t.match(message, { version: 3, reactions: [], deleted_at: /^20.*Z$/ });
  t.same([message.content, message.metadata, message.status], [undefined, undefined, undefined]);
  const common = { message_id, conversation_id: id, seq, version: 3, change: 'deleted' };
  t.same(updateOf(entry), { ...common, deleted_at, reactions: [] });
  const again = await remove(of(bina));
  t.same(
    [again.message.version, again.message.deleted_at, again.entry],
    [3, deleted_at, undefined],
  );
  await t.rejects(remove(of(chandra)), { code: 'FORBIDDEN' }, 'the second deletion is refused too');

  t.same(await get(of(admin)), message);
  const page = await operations['messages.history']({ user_id: bina, conversation_id: id }, 0);
  t.same(page.messages[0]?.content, undefined);
  t.match(page.messages[1]?.reply_to, { message_id, content: '', deleted: true });
  const rows = await sql('select content, metadata from messages where message_id = $1', [
    message_id,
  ]);
  t.same(rows, [{ content: null, metadata: null }], 'the row has no content any more');
  const [kept] = await sql(
    'select 1 from message_revisions where version = 2 and message_id = $1',
    [message_id],
  );
  t.ok(kept);
  const records = 'select deleted_by, sender_id, deleted_at, reason from message_deletions';
  t.same(await sql(`${records} where message_id = $1`, [message_id]), [
    { deleted_by: admin, sender_id: bina, deleted_at, reason: 'group_admin' },
  ]);
  const attempts = [
    `update message_deletions set reason = 'sender'`,
    'delete from message_deletions',
    'truncate message_deletions',
  ];
  for (const attempt of attempts) await t.rejects(sql(attempt), /append-only/);
});

t.test('a deleted last message shows no content in the list', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const { message_id } = await post(id, alice);
  await remove({ user_id: alice, message_id });
  const { records } = await operations['conversations.list']({ user_id: bina }, 0);
  t.match(records, [{ conversation_id: id, last_message: { message_id, content: '' } }]);
  const { messages } = await operations['messages.undelivered']({ user_id: bina }, 0);
  t.same(messages, [], 'the tombstone is not replayed');
});

t.test('a message has one reaction per user and emoji, and at most 20 emoji', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const { message_id } = await post(id, alice);
  const [his, hers] = [
    { user_id: bina, message_id },
    { user_id: alice, message_id },
  ];
  t.same((await react(his, '👍')).reactions, [{ emoji: '👍', count: 1, mine: true }]);
  t.same((await react(his, '👍')).entry, undefined);
  const { reactions, entry } = await react(hers, '👍');
  t.same(reactions, [{ emoji: '👍', count: 2, mine: true }]);
  t.same(updateOf(entry), {
    ...{ message_id, conversation_id: id, seq: 1, version: 3, change: 'reactions' },
    reactions: [{ emoji: '👍', user_ids: [bina, alice] }],
  });
  await react(his, '❤️');
  const shown = [
    { emoji: '👍', count: 2, mine: true },
    { emoji: '❤️', count: 1, mine: false },
  ];
  t.same((await get(hers)).reactions, shown);
  const page = await operations['messages.history']({ user_id: alice, conversation_id: id }, 0);
  t.same(page.messages[0]?.reactions, shown);
  const replay = await operations['messages.undelivered']({ user_id: bina }, 0);
  t.same(replay.messages[0]?.reactions, [
    { emoji: '👍', count: 2, mine: true },
    { emoji: '❤️', count: 1, mine: true },
  ]);
  t.same((await react(hers, '❤️', true)).entry, undefined, 'it is not her reaction');
  t.same((await react(his, '👍', true)).reactions[0], { emoji: '👍', count: 1, mine: false });
  for (let face = 0; face < 18; face += 1) {
    await react(his, String.fromCodePoint(0x1f600 + face));
  }
  await t.rejects(react(hers, '🎉'), { code: 'CONFLICT' });
  t.equal((await get(his)).reactions.length, 20);
  t.equal((await react(hers, '😀')).reactions[2]?.count, 2, 'an emoji that is there can be joined');
  await react(his, '❤️', true);
  t.equal((await react(hers, '🎉')).reactions.length, 20);
});

t.test('a user who cannot see a message cannot change it or hear of it', async (t) => {
  const [admin, bina, late] = users(3) as [UserId, UserId, UserId];
  const id = await createGroup(store, [admin, bina, late]);
  const { message_id } = await post(id, bina);
  const { message_id: answer } = (
    await appendOk(store, id, [{ ...letter(bina, 'an answer'), reply_to: message_id }])
  )[0] as { message_id: MessageId };
  await sql(`update participants set first_visible_seq = 2, role = 'admin' where user_id = $1`, [
    late,
  ]);
  const named = { user_id: late, message_id };
  const changes = [() => edit(named, 'x'), () => remove(named), () => react(named, '👍')];
  for (const attempt of [() => get(named), ...changes]) {
    await t.rejects<unknown>(attempt, { code: 'MESSAGE_NOT_FOUND' });
  }
  const { entry } = await react({ user_id: admin, message_id }, '👍');
  t.same(new Set(entry?.user_ids), new Set([admin, bina]));
  const replies = [
    await get({ user_id: late, message_id: answer }),
    (await operations['messages.history']({ user_id: late, conversation_id: id }, 0)).messages[0],
    (await operations['messages.undelivered']({ user_id: late }, 0)).messages[0],
  ];
  for (const reply of replies) {
    t.equal(reply?.content, 'an answer');
    t.notOk(reply && 'reply_to' in reply, 'the reply does not quote the hidden message');
  }
  const participants = await operations['conversations.participants']({ conversation_id: id }, 0);
  t.same(participants.late, [[late, 2]]);
  const { entries } = await operations['outbox.claim'](
    { event_ids: [entry?.event_id as EventId, answer as string as EventId], limit: 9, lease_ms: 1 },
    0,
  );
  for (const claimed of entries) {
    const isUpdate = claimed.kind === 'message_updated';
    t.same(new Set(claimed.user_ids), new Set(isUpdate ? [admin, bina] : [admin, bina, late]));
    if (claimed.kind === 'message') t.same(claimed.without_preview, [late]);
  }
});

t.test('a repaired event tells the current state under its own version', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const { message_id } = await post(id, alice);
  const mine = { user_id: alice, message_id };
  const events = [
    (await edit(mine, 'two')).entry,
    (await react(mine, '👍')).entry,
    (await edit(mine, 'four')).entry,
  ].map((entry) => entry?.event_id as EventId);
  const claim = async (event_ids: EventId[]) => {
    const { entries } = await operations['outbox.claim']({ event_ids, limit: 9, lease_ms: 1 }, 0);
    return entries.sort((a, b) => event_ids.indexOf(a.event_id) - event_ids.indexOf(b.event_id));
  };
  const repaired = await claim(events);
  t.match(repaired.map(updateOf), [
    { version: 2, change: 'edited', content: 'four' },
    { version: 3, change: 'reactions', content: 'four', reactions: [{ emoji: '👍' }] },
    { version: 4, change: 'edited', content: 'four' },
  ]);
  const [message] = await claim([message_id as string as EventId]);
  t.match(message, { kind: 'message', message: { version: 1, content: 'four' } });
  await remove({ user_id: alice, message_id });
  await sql('update outbox set claimed_until = null');
  const [tombstone] = await claim(events.slice(0, 1));
  t.match(updateOf(tombstone), { version: 2, change: 'deleted', deleted_at: /^20/ });
  t.notOk(JSON.stringify(tombstone).includes('four'));
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  const [left] = await claim(events.slice(1, 2));
  t.same(left?.user_ids, [alice], 'a user who has left gets no event');
});

t.test('a message that stays locked is refused and delays no other message', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const [one, two] = [await post(id, alice), await post(id, alice)];
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query('begin');
  await holder.query(
    `select from messages m join conversations c using (conversation_id) where message_id = $1
     for no key update of m for key share of c`,
    [one.message_id],
  );
  let isBlocked = true;
  const blocked = react({ user_id: bina, message_id: one.message_id }, '👍')
    .then(
      () => 'done',
      (error: unknown) => toKahaError(error).code,
    )
    .finally(() => {
      isBlocked = false;
    });
  await react({ user_id: bina, message_id: two.message_id }, '👍');
  await edit({ user_id: alice, message_id: two.message_id }, 'edited');
  await appendOk(store, id, [letter(bina)]);
  t.ok(isBlocked, 'the other messages did not wait for the locked one');
  t.equal(await blocked, 'DATABASE_UNAVAILABLE');
  await holder.end();
  t.match(await react({ user_id: bina, message_id: one.message_id }, '👍'), { entry: Object });
});

t.test('50 concurrent changes of one message get 50 consecutive versions', async (t) => {
  const participants = users(8);
  const [sender] = participants as [UserId];
  const id = await createGroup(store, participants);
  const { message_id } = await post(id, sender);
  const other = stage.open();
  const stores = [store.operations, other.operations];
  const faces = Array.from({ length: 6 }, (_, face) => String.fromCodePoint(0x1f600 + face));
  const jobs = [
    ...participants.flatMap((user_id) =>
      faces.map((emoji) => ({ user_id, emoji, content: undefined })),
    ),
    ...['a', 'b'].map((content) => ({ user_id: sender, emoji: '', content })),
  ];
  const done = await Promise.all(
    jobs.map(async ({ user_id, emoji, content }, index) => {
      const aim = await target({ user_id, message_id });
      const ops = stores[index % 2] as typeof operations;
      if (content !== undefined) return ops['messages.edit']({ ...aim, content }, 0);
      return ops['messages.react']({ ...aim, emoji }, 0);
    }),
  );
  const updates = done.flatMap(({ entry }) => updateOf(entry) ?? []);
  const sorted = updates.sort((one, two) => one.version - two.version);
  t.same(
    sorted.map(({ version }) => version),
    Array.from({ length: 50 }, (_, index) => index + 2),
  );
  const last = sorted.at(-1);
  const message = await get({ user_id: sender, message_id });
  t.equal(message.version, 51);
  t.equal(message.content, last?.content);
  t.same(
    message.reactions.map(({ emoji, count }) => [emoji, count]),
    last?.reactions.map(({ emoji, user_ids }) => [emoji, user_ids.length]),
  );
  t.equal(message.reactions.length, 6);
});
