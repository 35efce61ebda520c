import t from 'tap';
import { Gate } from '../../../shared/concurrency/gate.ts';
import type {
  ConversationCommand,
  ConversationCommands,
} from '../../../shared/contracts/conversations.ts';
import type { ConversationChanged, OutboxEntry } from '../../../shared/contracts/outbox.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import {
  append,
  appendOk,
  codeOf,
  createGroup,
  createTalk,
  letter,
  QUERIES_MAX,
  type StoreParts,
  setStage,
} from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();

const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());

type Place = { user: UserId; id: ConversationId };

type Changed = Promise<ConversationChanged>;
const changeBy =
  ({ operations }: StoreParts) =>
  <Op extends keyof ConversationCommands>(
    { user, id }: Place,
    op: Op,
    rest: ConversationCommands[Op],
  ): Changed => {
    const command = { op, user_id: user, conversation_id: id, ...(rest as object) };
    return operations['conversations.change'](command as ConversationCommand, 0);
  };
const change = changeBy(store);

const historyOf = async (user_id: UserId, conversation_id: ConversationId) =>
  (await store.operations['messages.history']({ user_id, conversation_id }, 0)).messages;

async function group(count: number) {
  const people = users(count);
  const id = await createGroup(store, people);
  return { id, people, admin: { user: people[0] as UserId, id } };
}

const kindOf = (entry: OutboxEntry) => entry.kind === 'conversation' && entry.change;

function eventsOf(entries: OutboxEntry[]) {
  return entries.map((entry) => [
    entry.kind === 'message' ? entry.message.metadata?.event : kindOf(entry),
    new Set(entry.user_ids),
  ]);
}

async function claimAll(id: ConversationId): Promise<OutboxEntry[]> {
  const rows = await sql<{ event_id: string }>('select * from outbox where conversation_id = $1', [
    id,
  ]);
  const event_ids = rows.map(({ event_id }) => event_id as never);
  await sql('update outbox set claimed_until = null where conversation_id = $1', [id]);
  const request = { event_ids, limit: 500, lease_ms: 1 };
  return (await store.operations['outbox.claim'](request, 0)).entries;
}

t.test('each change of a group is written, numbered and told to its participants', async (t) => {
  const { id, people, admin } = await group(3);
  await appendOk(store, id, [letter(admin.user)]);
  const set = { title: 'Trek', avatar_url: 'https://x/y.png' };
  const { record, entries, participants } = await change(admin, 'conversations.update', set);
  t.match(record, { ...set, version: 2, last_seq: 3, last_read_seq: 3, unread: 0 });
  t.match(participants, { version: 2, joiners: [] });
  const all = new Set(people);
  t.same(eventsOf(entries), [
    ['updated', all],
    ['title_changed', all],
    ['avatar_changed', all],
  ]);
  const [, title, avatar] = await historyOf(people[1] as UserId, id);
  t.match(title, {
    ...{ seq: 2, message_type: 'system', sender_id: admin.user },
    content: 'The title was changed to "Trek"',
    metadata: { event: 'title_changed', value: 'Trek' },
  });
  t.notOk('client_msg_id' in (title as object));
  t.match(avatar, { seq: 3, metadata: { event: 'avatar_changed', value: set.avatar_url } });
  t.same(record?.last_message?.said, { event: 'avatar_changed' }, 'edge can put names in');
  const [row] = await sql('select content from messages where conversation_id = $1 and seq = 2', [
    id,
  ]);
  t.notOk(String(row?.content).includes('title'), 'the content is encrypted');
  const sent = entries.find(({ kind }) => kind === 'message');
  const reply = { ...letter(admin.user), reply_to: title?.message_id as MessageId };
  const said = { event: 'title_changed', value: 'Trek' };
  const metadata = { more: 'of a text is nobody else\u2019s' };
  t.match((await appendOk(store, id, [{ ...reply, metadata }]))[0], { seq: 4, reply_to: { said } });
  t.match((await historyOf(admin.user, id))[3], { reply_to: { said } });
  const claimed = await claimAll(id);
  t.same(
    claimed.find(({ event_id }) => event_id === sent?.event_id),
    sent,
    'a repair tells the same',
  );
  const { record: later } = await change(admin, 'conversations.mute', {});
  t.match(later?.last_message, { seq: 4, said: undefined });
});

t.test('a command that changes nothing writes nothing', async (t) => {
  const { id, people, admin } = await group(2);
  await change(admin, 'conversations.update', { title: 'Same' });
  const same = await change(admin, 'conversations.update', { title: 'Same' });
  t.match(same, { entries: [], record: { version: 2, last_seq: 1 } });
  t.match(await change(admin, 'conversations.add', { user_ids: people }), { entries: [] });
  await change(admin, 'conversations.archive', {});
  t.match(await change(admin, 'conversations.archive', {}), { entries: [] });
  t.match(await change(admin, 'conversations.unmute', {}), { entries: [] });
  t.equal((await historyOf(admin.user, id)).length, 1);
});

t.test('an added user sees later messages, or all with a shared history', async (t) => {
  const { id, people, admin } = await group(2);
  await appendOk(store, id, [letter(admin.user), letter(people[1] as UserId)]);
  const [fresh, trusted] = users(2) as [UserId, UserId];
  const added = await change(admin, 'conversations.add', { user_ids: [fresh, fresh] });
  t.same(eventsOf(added.entries), [
    ['created', new Set([fresh])],
    ['participants', new Set(people)],
    ['participant_added', new Set([...people, fresh])],
  ]);
  const [created] = added.entries;
  t.match(created?.kind === 'conversation' && created.records[fresh], {
    ...{ first_seq: 3, last_seq: 3, unread: 1 },
  });
  await change(admin, 'conversations.add', { user_ids: [trusted], share_history: true });
  const seqs = async (user: UserId) => (await historyOf(user, id)).map(({ seq }) => seq);
  t.same(await seqs(fresh), [3, 4]);
  t.same(await seqs(trusted), [1, 2, 3, 4]);
  const list = await store.operations['conversations.list']({ user_id: trusted }, 0);
  t.match(list.records, [{ first_seq: 1, unread: 1, participants: { length: 4 } }]);
  const claimed = await claimAll(id);
  const audience = (seq: number) =>
    new Set(claimed.find((one) => one.kind === 'message' && one.message.seq === seq)?.user_ids);
  t.same(audience(2), new Set(people), 'an added user is not sent earlier messages');
  t.same(audience(3), new Set([...people, fresh]));
});

t.test('an admin shares no more history than the admin sees', async (t) => {
  const { id, people, admin } = await group(2);
  const [, second] = people as [UserId, UserId];
  await appendOk(store, id, [letter(admin.user), letter(admin.user)]);
  await sql(`update participants set first_visible_seq = 2, role = 'admin' where user_id = $1`, [
    second,
  ]);
  const [third] = users(1) as [UserId];
  const by = { user: second, id };
  await change(by, 'conversations.add', { user_ids: [third], share_history: true });
  t.equal((await historyOf(third, id))[0]?.seq, 2);
});

t.test('a ninth participant is a conflict, also when two are added at once', async (t) => {
  const { id, people, admin } = await group(7);
  await sql(`update participants set role = 'admin' where conversation_id = $1`, [id]);
  const tries = await Promise.allSettled(
    [store, other].map((by, index) => {
      const place = { user: people[index] as UserId, id };
      return changeBy(by)(place, 'conversations.add', { user_ids: users(1) });
    }),
  );
  const failed = tries.flatMap((one) => (one.status === 'rejected' ? one.reason.code : []));
  t.same(failed, ['CONFLICT']);
  const list = await store.operations['conversations.participants']({ conversation_id: id }, 0);
  t.equal(list.user_ids.length, 8);
  await t.rejects(change(admin, 'conversations.add', { user_ids: users(1) }), { code: 'CONFLICT' });
});

t.test('a removed user gets one last record and takes part no longer', async (t) => {
  const { id, people, admin } = await group(3);
  const gone = people[2] as UserId;
  await appendOk(store, id, [letter(gone, 'secret')]);
  const rest = new Set(people.slice(0, 2));
  const removed = await change(admin, 'conversations.remove', { participant_id: gone });
  t.same(eventsOf(removed.entries), [
    ['participants', rest],
    ['participants', new Set([gone])],
    ['participant_removed', rest],
  ]);
  t.ok((removed.owed_before ?? []).length > 0, 'the earlier message is still owed');
  const farewell = removed.entries[1];
  const shown = farewell?.kind === 'conversation' ? farewell.records[gone] : undefined;
  t.match(shown, { version: 2, last_seq: 1, participants: { length: 2 } });
  t.notOk(JSON.stringify(shown).includes(`"user_id":"${gone}"`));
  t.notOk('last_message' in (shown as object));
  const { results } = await append(store, id, [letter(gone)]);
  t.same(results.map(codeOf), ['NOT_A_PARTICIPANT']);
  await change(admin, 'conversations.update', { title: 'Without' });
  const claimed = await claimAll(id);
  t.same(
    claimed.filter(({ user_ids }) => user_ids.includes(gone)),
    [farewell],
    'a repair tells the removal and nothing later',
  );
});

t.test('an event that only the feed lacks does not keep a removal waiting', async (t) => {
  const { id, people, admin } = await group(3);
  const participant_id = people[2] as UserId;
  await appendOk(store, id, [letter(admin.user)]);
  const { operations } = store;
  const event_ids = (await claimAll(id)).map(({ event_id }) => event_id);
  const [lacking] = event_ids as [EventId];
  const items = event_ids.map((event_id) => {
    return { event_id, missed: event_id === lacking ? [admin.user] : [], is_fed: false };
  });
  t.ok(items.length > 1);
  await operations['outbox.missed']({ items }, 0);
  t.same(await operations['outbox.owed']({ event_ids }, 0), { event_ids: [lacking] });
  const removed = await change(admin, 'conversations.remove', { participant_id });
  t.same(removed.owed_before, [lacking]);
});

t.test('a removal names no owed events if too many rows are owed to users', async (t) => {
  const { people, admin } = await group(3);
  const [, one, two] = people as [UserId, UserId, UserId];
  const owe = (missed: string | null) =>
    sql(
      `insert into outbox (event_id, conversation_id, kind, created_at, missed)
        select gen_random_uuid(), gen_random_uuid(), 'message', now(), $1
        from generate_series(1, 50000)`,
      [missed],
    );
  await owe('{}');
  const first = await change(admin, 'conversations.remove', { participant_id: two });
  t.ok((first.owed_before ?? []).length > 0, 'rows that only the feed lacks do not count');
  await owe(null);
  const second = await change(admin, 'conversations.remove', { participant_id: one });
  t.equal(second.owed_before, undefined);
  await sql(`delete from outbox where kind = 'message' and seq is null`);
});

t.test('a user who is added again sees and counts only later messages', async (t) => {
  const { id, people, admin } = await group(2);
  const back = people[1] as UserId;
  await appendOk(store, id, [letter(admin.user)]);
  await change({ user: back, id }, 'conversations.mute', {});
  await change(admin, 'conversations.remove', { participant_id: back });
  await appendOk(store, id, [letter(admin.user)]);
  const again = await change(admin, 'conversations.add', { user_ids: [back] });
  t.same(again.participants.user_ids.length, 2);
  const place = { user_id: back, conversation_id: id };
  const { record } = await store.operations['conversations.get'](place, 0);
  t.match(record, { first_seq: 4, last_seq: 4, unread: 1, is_muted: false });
  t.equal((await appendOk(store, id, [letter(back)]))[0]?.seq, 5);
});

t.test('when the last admin leaves, the longest participant becomes admin', async (t) => {
  const { id, people, admin } = await group(3);
  const [, second, third] = people as [UserId, UserId, UserId];
  const later = new Date(Date.now() + 1_000).toISOString();
  await sql('update participants set joined_at = $2 where user_id = $1', [second, later]);
  const left = await change(admin, 'conversations.remove', { participant_id: admin.user });
  t.notOk('record' in left);
  const messages = await historyOf(third, id);
  t.match(messages, [
    { sender_id: admin.user, metadata: { event: 'participant_left', user_id: admin.user } },
    { sender_id: admin.user, metadata: { event: 'admin_changed', user_id: third } },
  ]);
  await change({ user: third, id }, 'conversations.remove', { participant_id: second });
  const last = await change({ user: third, id }, 'conversations.remove', { participant_id: third });
  t.same(last.participants.user_ids, []);
  t.same(eventsOf(last.entries), [
    ['participants', new Set([third])],
    ['participant_left', new Set()],
  ]);
  const request = { user_id: third, conversation_id: id };
  const code = 'NOT_A_PARTICIPANT';
  await t.rejects(store.operations['conversations.get'](request, 0), { code });
  await t.rejects(change({ user: third, id }, 'conversations.archive', {}), { code });
});

t.test('archive and mute concern one user, and a new message unarchives', async (t) => {
  const { id, people, admin } = await group(2);
  const archived = await change(admin, 'conversations.archive', {});
  t.same(eventsOf(archived.entries), [['archived', new Set([admin.user])]]);
  t.match(archived.record, { archived_at: String, version: 2, last_seq: 0 });
  const until = new Date(Date.now() + 60_000).toISOString();
  const muted = await change(admin, 'conversations.mute', { until });
  t.same(eventsOf(muted.entries), [['updated', new Set([admin.user])]]);
  t.match(muted.record, { is_muted: true, muted_until: until, version: 3 });
  const list = async (user_id: UserId, isArchived: boolean) =>
    (await store.operations['conversations.list']({ user_id, archived: isArchived }, 0)).records;
  t.equal((await list(admin.user, true)).length, 1);
  t.equal((await list(admin.user, false)).length, 0);
  t.match(await list(people[1] as UserId, false), [{ is_muted: false, archived_at: undefined }]);
  await appendOk(store, id, [letter(people[1] as UserId)]);
  t.match(await list(admin.user, false), [{ is_muted: true, archived_at: undefined }]);
  await change(admin, 'conversations.archive', {});
  await sql(`update participants set role = 'admin' where conversation_id = $1`, [id]);
  await change({ user: people[1] as UserId, id }, 'conversations.update', { title: 'x' });
  t.equal((await list(admin.user, false)).length, 1, 'a system message unarchives too');
});

t.test('a command without the right is refused and writes nothing', async (t) => {
  const { id, people, admin } = await group(3);
  const [, participant, former] = people as [UserId, UserId, UserId];
  await change(admin, 'conversations.remove', { participant_id: former });
  const direct = await createTalk(store);
  const commands: [keyof ConversationCommands, object][] = [
    ['conversations.update', { title: 'x' }],
    ['conversations.add', { user_ids: users(1) }],
    ['conversations.remove', { participant_id: admin.user }],
    ['conversations.archive', {}],
    ['conversations.mute', {}],
    ['conversations.unmute', {}],
  ];
  const before = await sql('select version, last_seq from conversations order by 1, 2');
  for (const [op, rest] of commands) {
    const refuse = (place: Place, code: string) =>
      t.rejects(change(place, op, rest as never), { code }, `${op} ${code}`);
    await refuse({ user: newId(), id }, 'NOT_A_PARTICIPANT');
    await refuse({ user: former, id }, 'NOT_A_PARTICIPANT');
    await refuse({ user: admin.user, id: newId() }, 'CONVERSATION_NOT_FOUND');
    if (!/update|add|remove/.test(op)) continue;
    await refuse({ user: participant, id }, 'FORBIDDEN');
    await refuse({ user: direct.alice, id: direct.id }, 'FORBIDDEN');
  }
  const leaving = { user: direct.alice, id: direct.id };
  await t.rejects(change(leaving, 'conversations.remove', { participant_id: direct.alice }), {
    ...{ code: 'FORBIDDEN' },
  });
  await t.rejects(change(admin, 'conversations.remove', { participant_id: newId<UserId>() }), {
    ...{ code: 'NOT_FOUND' },
  });
  t.same(await sql('select version, last_seq from conversations order by 1, 2'), before);
});

t.test('concurrent changes and sends of a group leave no hole', async (t) => {
  const { id, people, admin } = await group(6);
  const [, , , , , moved] = people as UserId[];
  const participant_id = moved as UserId & string;
  // As many changes run at once as the pool has connections. The others wait here, because a busy
  // machine may take longer than the pool lets them wait.
  const gate = new Gate({ concurrencyMax: QUERIES_MAX, waitingMax: 40 });
  const changeInTurn: typeof change = (...args) => gate.run(() => change(...args));
  const jobs = Array.from({ length: 40 }, async (_, n) => {
    const by = n % 2 === 0 ? store : other;
    if (n % 4 === 0) await changeInTurn(admin, 'conversations.update', { title: `${n}` });
    if (n % 4 === 1)
      await changeInTurn(admin, 'conversations.remove', { participant_id }).catch(codes);
    if (n % 4 === 2) await changeInTurn(admin, 'conversations.add', { user_ids: [participant_id] });
    return await append(
      by,
      id,
      people.map((user) => letter(user)),
    );
  });
  const unexpected = new Set<string>();
  function codes(error: { code: string }) {
    if (error.code !== 'NOT_FOUND') unexpected.add(error.code);
  }
  const results = (await Promise.all(jobs)).flatMap((reply) => reply.results);
  const refused = new Set(results.flatMap((result) => codeOf(result) ?? []));
  refused.delete('NOT_A_PARTICIPANT');
  t.same([...refused, ...unexpected], []);
  const [row] = await sql(
    `select count(*), max(seq) as high, c.last_seq as last from messages
     join conversations c using (conversation_id) where conversation_id = $1 group by 3`,
    [id],
  );
  t.equal(row?.count, row?.high);
  t.equal(row?.high, row?.last);
  t.ok(results.filter((result) => result.ok).length >= 40 * 5);
});
