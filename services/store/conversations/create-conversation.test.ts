import t from 'tap';
import {
  type BusinessId,
  type ConversationId,
  type EventId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { ConversationInput } from '../../../shared/protocol/conversation-requests.ts';
import { appendOk, createTalk, letter, type StoreParts, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();

const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());

function create({ operations }: StoreParts, user_id: UserId, conversation: ConversationInput) {
  return operations['conversations.create']({ user_id, conversation }, 0);
}

t.test('two users have one direct conversation, also when both create it at once', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const [alice, bina] = users(2) as [UserId, UserId];
    const made = await Promise.all([
      create(store, alice, { type: 'direct', participant_ids: [bina] }),
      create(other, bina, { type: 'direct', participant_ids: [alice] }),
      create(other, alice, { type: 'direct', participant_ids: [alice, bina, bina] }),
    ]);
    t.equal(new Set(made.map(({ record }) => record.conversation_id)).size, 1);
    t.equal(made.filter(({ created }) => created).length, 1);
    t.equal(made.filter(({ entry }) => entry !== undefined).length, 1);
  }
});

t.test('the creator of a group is admin, and the same transaction owes its event', async (t) => {
  const [alice, bina, dawa] = users(3) as [UserId, UserId, UserId];
  const input = { type: 'group' as const, participant_ids: [bina, dawa], title: 'Trek' };
  const { record, entry } = await create(store, alice, input);
  t.match(record, { type: 'group', title: 'Trek', version: 1, last_seq: 0, unread: 0 });
  const roles = new Map(record.participants.map(({ user_id, role }) => [user_id, role]));
  t.same([roles.get(alice), roles.get(bina)], ['admin', 'member']);
  t.match(entry, { kind: 'conversation', change: 'created', version: 1 });
  t.same(new Set(entry?.user_ids), new Set([alice, bina, dawa]));
  const [row] = await sql('select * from outbox where event_id = $1', [entry?.event_id]);
  t.match(row, { kind: 'conversation', payload: { change: 'created' } });
});

t.test('impossible lists of participants are refused', async (t) => {
  const [alice] = users(1) as [UserId];
  const refuse = (input: ConversationInput) =>
    t.rejects(create(store, alice, input), { code: 'INVALID_REQUEST' });
  await refuse({ type: 'direct', participant_ids: [] });
  await refuse({ type: 'direct', participant_ids: [alice] });
  await refuse({ type: 'direct', participant_ids: users(2) });
  await refuse({ type: 'direct', participant_ids: users(1), title: 'no' });
  await refuse({ type: 'group', participant_ids: [alice] });
  await refuse({ type: 'group', participant_ids: users(8) });
  await refuse({ type: 'group', participant_ids: ['nobody' as UserId] });
  await refuse({ type: 'business', business_id: 'nothing' as BusinessId });
  t.match(await create(store, alice, { type: 'group', participant_ids: users(7) }), {
    created: true,
  });
});

t.test('a customer has one conversation with a business, also when they race', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const [customer] = users(1) as [UserId];
    const input = { type: 'business' as const, business_id: newId<BusinessId>() };
    const made = await Promise.all(
      [store, other, store, other].map((at) => create(at, customer, input)),
    );
    t.equal(new Set(made.map(({ record }) => record.conversation_id)).size, 1);
    t.equal(made.filter(({ created }) => created).length, 1);
    t.same(
      made.flatMap(({ entry }) => entry?.user_ids ?? []),
      [customer],
      'the event goes to the customer alone',
    );
    const another = await create(store, users(1)[0] as UserId, input);
    t.equal(another.created, true, 'another customer has a conversation of their own');
  }
});

t.test('a new business conversation is closed, and the business takes part last', async (t) => {
  const [customer] = users(1) as [UserId];
  const business_id = newId<BusinessId>();
  const { record } = await create(store, customer, { type: 'business', business_id });
  t.match(record, { type: 'business', business_id, state: 'closed', unread: 0, is_muted: false });
  for (const field of ['assignee_id', 'waiting_since', 'closed_at']) t.notOk(field in record);
  t.same(
    record.participants.map(({ user_id, role }) => [user_id, role]),
    [
      [customer, 'customer'],
      [business_id, 'business'],
    ],
  );
  t.same(record.participants[1], {
    user_id: business_id,
    role: 'business',
    joined_at: record.created_at,
  });
  const { conversation_id } = record;
  const people = await store.operations['conversations.participants']({ conversation_id }, 0);
  t.same(people.user_ids, [customer], 'it is none of the people');
  const contacts = await store.operations['contacts.list']({ business_id }, 0);
  t.same(contacts.user_ids, [customer]);
});

t.test('nobody is their own customer', async (t) => {
  const [me] = users(1) as [UserId];
  const business_id = me as string as BusinessId;
  await t.rejects(create(store, me, { type: 'business', business_id }), {
    code: 'INVALID_REQUEST',
  });
  t.equal((await sql('select from conversations where created_by = $1', [me])).length, 0);
});

t.test('the participants are the users who take part now', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const list = () =>
    store.operations['conversations.participants']({ conversation_id: id as ConversationId }, 0);
  t.same(new Set((await list()).user_ids), new Set([alice, bina]));
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  t.match(await list(), { user_ids: [alice], type: 'direct', version: 1 });
  await sql('update participants set left_at = now() where user_id = $1', [alice]);
  t.match(await list(), { user_ids: [] });
  const conversation_id = newId<ConversationId>();
  await t.rejects(store.operations['conversations.participants']({ conversation_id }, 0), {
    code: 'CONVERSATION_NOT_FOUND',
  });
});

t.test('an owed fan-out is leased by one claim, and by another once the lease ends', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const [first] = await appendOk(store, id, [letter(alice, 'hello')]);
  const reply_to = first?.message_id as never;
  const [sent] = await appendOk(store, id, [{ ...letter(bina), metadata: { a: 1 }, reply_to }]);
  const claim = (by: StoreParts, event_ids?: EventId[], lease_ms = 60_000) => {
    const request = { limit: 100, lease_ms, ...(event_ids && { event_ids }) };
    return by.operations['outbox.claim'](request, 0);
  };
  t.same((await claim(store)).entries, [], 'young rows are left to their router');
  const event = sent?.event_id as EventId;
  const claims = await Promise.all([claim(store, [event], 0), claim(other, [event], 60_000)]);
  const entries = claims.flatMap((one) => one.entries);
  t.match(entries[0], {
    kind: 'message',
    event_id: event,
    message: { seq: 2, metadata: { a: 1 }, reply_to: { content: 'hello' }, version: 1 },
  });
  t.same(new Set(entries[0]?.user_ids), new Set([alice, bina]));
  await sql("update outbox set created_at = now() - interval '6 s', claimed_until = null");
  const [left, right] = await Promise.all([claim(store), claim(other)]);
  const both = [...(left?.entries ?? []), ...(right?.entries ?? [])];
  t.equal(
    new Set(both.map(({ event_id }) => event_id)).size,
    both.length,
    'no row is leased twice',
  );
  t.ok(both.some(({ kind }) => kind === 'conversation'));
  t.same((await claim(store)).entries, [], 'all rows are leased');
  const event_ids = both.map(({ event_id }) => event_id);
  const owed = () => store.operations['outbox.owed']({ event_ids: [...event_ids, newId()] }, 0);
  t.same(new Set((await owed()).event_ids), new Set(event_ids));
  const done = await store.operations['outbox.done']({ event_ids }, 0);
  t.same(await owed(), { event_ids: [] });
  t.equal(done.deleted, both.length);
  t.same((await claim(store)).entries, []);
});

t.test('an outbox row without its message or conversation owes nothing', async (t) => {
  const { id, alice } = await createTalk(store);
  const [sent] = await appendOk(store, id, [letter(alice)]);
  await sql('delete from messages where conversation_id = $1', [id]);
  const event_ids = [sent?.event_id as EventId];
  const request = { event_ids, limit: 1, lease_ms: 1_000 };
  t.same((await store.operations['outbox.claim'](request, 0)).entries, []);
  t.match(await sql('select count(*) from outbox where event_id = any($1)', [event_ids]), [
    { count: 0 },
  ]);
});

t.test('concurrent outbox deletes share a statement', async (t) => {
  const { id, alice } = await createTalk(store);
  const sent = await appendOk(
    store,
    id,
    Array.from({ length: 30 }, () => letter(alice)),
  );
  const { operations } = store;
  await Promise.all(
    sent.map(({ event_id }) => operations['outbox.done']({ event_ids: [event_id] }, 0)),
  );
  t.match(
    await sql("select count(*) from outbox where kind = 'message' and conversation_id = $1", [id]),
    [{ count: 0 }],
  );
});

t.test('concurrent reads get their own participants, as does an append that asks', async (t) => {
  const talks = [await createTalk(store)];
  while (talks.length < 250) talks.push(await createTalk(store));
  const unknown = newId<ConversationId>();
  const ids = [...talks.map(({ id }) => id as ConversationId), unknown];
  const found = await Promise.allSettled(
    ids.map((conversation_id) =>
      store.operations['conversations.participants']({ conversation_id }, 0),
    ),
  );
  for (const [index, { alice, bina }] of talks.entries()) {
    const each = found[index];
    if (each?.status !== 'fulfilled') throw new Error('one was refused');
    t.same(new Set(each.value.user_ids), new Set([alice, bina]));
  }
  t.equal(found.at(-1)?.status, 'rejected');

  const { id, alice, bina } = talks[0] as (typeof talks)[number];
  const request = { conversation_id: id as ConversationId, items: [letter(alice)] };
  const append = store.operations['messages.append'];
  const deadlineAt = steadyMs() + 2_000;
  const asked = await append({ ...request, needs_participants: true }, deadlineAt);
  t.same(new Set(asked.participants?.user_ids), new Set([alice, bina]));
  t.equal((await append(request, deadlineAt)).participants, undefined);
});
