import t from 'tap';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { type StoreParts, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
const take = stepTaker(store);

type Asked = { asker?: UserId | 'service'; at?: StoreParts };

const remove = (business_id: BusinessId, user_id: UserId, { asker, at = store }: Asked = {}) =>
  at.operations['businesses.remove_agent'](
    { asker: asker ?? 'service', business_id, user_id },
    steadyMs() + 2_000,
  );
const setAgents = (business_id: BusinessId, userIds: UserId[]) =>
  store.operations['businesses.set_agents'](
    { asker: 'service', business_id, agents: userIds.map((user_id) => ({ user_id })) },
    0,
  );

/** Makes a conversation that an agent has. */
async function makeHeld(business: BusinessId, { manager, agent }: Record<string, UserId>) {
  const { id, customer } = await makeConversation(store, business);
  await take({ user: manager as UserId, id }, 'reopen');
  await take({ user: manager as UserId, id }, 'assign', { agent_id: agent as UserId, force: true });
  return { id, customer };
}

/** Writes many conversations that an agent has, as they stand after some steps. */
async function writeHeld(business: BusinessId, agent: UserId, count: number): Promise<void> {
  await sql(
    `with made as (
      insert into conversations (conversation_id, type, business_id, customer_id, created_by,
        created_at, last_activity, state, assignee_id, last_agent_id, has_answered)
      select gen_random_uuid(), 'business', $1, gen_random_uuid(), gen_random_uuid(), now(), now(),
        'assigned', $2, $2, false from generate_series(1, $3)
      returning conversation_id, customer_id)
    insert into participants (conversation_id, user_id, role, joined_at)
    select conversation_id, unnest(array[customer_id, $2::uuid]),
      unnest(array['customer', 'agent']::participant_role[]), now() from made`,
    [business, agent, count],
  );
}

const rowsOf = (business: BusinessId) =>
  sql<Record<string, unknown>>('select * from conversations where business_id = $1', [business]);

t.test('what a removed agent has waits again, and they are told last', async (t) => {
  const { business, manager, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [UserId, UserId];
  const first = await makeHeld(business, { manager, agent: ann });
  const second = await makeHeld(business, { manager, agent: ann });
  const kept = await makeHeld(business, { manager, agent: bob });
  const since = '2026-01-01T00:00:00.000Z';
  await sql(
    'update conversations set unanswered_seq = 1, unanswered_since = $2 where conversation_id = $1',
    [first.id, since],
  );
  await sql('update business_inboxes set due_at = null where business_id = $1', [business]);
  const [reopened] = await sql(
    `select waiting_since from business_steps where conversation_id = $1 and step = 'added'`,
    [second.id],
  );
  const { returned } = await remove(business, ann, { asker: manager });
  t.same(
    new Set(returned?.all.map(String)),
    new Set([first, second].map(({ id, customer }) => String([id, 4, customer]))),
  );
  for (const { participants, entries, owed_before, inbox } of returned?.told ?? []) {
    const { conversation_id } = participants;
    t.notOk(participants.user_ids.includes(ann));
    t.ok(owed_before !== undefined && owed_before.length > 0, 'earlier events settle before');
    t.match(entries, [{ kind: 'conversation', change: 'assigned', closes_membership: true }]);
    t.same(entries[0]?.user_ids, [ann]);
    const before = { state: 'assigned', assignee_id: ann };
    const step = { change: 'released', reason: 'removed', is_due: true };
    t.match(inbox, [{ ...step, conversation_id, before, after: { state: 'waiting' } }]);
  }
  const read = { user_id: ann, conversation_id: first.id };
  await t.rejects(store.operations['conversations.get'](read, 0), { code: 'NOT_A_PARTICIPANT' });
  const seen = { user_id: first.customer, conversation_id: first.id };
  const { record } = await store.operations['conversations.get'](seen, 0);
  t.match(record, { state: 'waiting', waiting_since: since, version: 4 });
  const other = { user_id: second.customer, conversation_id: second.id };
  t.match(await store.operations['conversations.get'](other, 0), {
    record: { state: 'waiting', waiting_since: reopened?.waiting_since },
  });
  const held = { user_id: bob, conversation_id: kept.id };
  t.match(await store.operations['conversations.get'](held, 0), { record: { assignee_id: bob } });
  t.match(await sql('select * from business_inboxes where business_id = $1', [business]), [
    { version: 8, due_at: String },
  ]);
  const log = await sql('select * from business_steps where business_id = $1 order by version', [
    business,
  ]);
  t.match(log.slice(-2), [
    { version: 7, step: 'released', reason: 'removed', actor_id: manager, from_agent_id: ann },
    { version: 8, step: 'released', reason: 'removed', actor_id: manager, from_agent_id: ann },
  ]);
});

t.test('a list that leaves agents out returns what these have', async (t) => {
  const { business, manager, agents } = await makeBusiness(store, { agents: 3 });
  const [ann, bob, cat] = agents as [UserId, UserId, UserId];
  for (const agent of [ann, bob, cat]) await makeHeld(business, { manager, agent });
  const { returned, agents: left } = await setAgents(business, [cat, newId()]);
  t.equal(left.length, 2);
  t.equal(returned?.told.length, 2);
  t.same(
    (await rowsOf(business)).map(({ assignee_id }) => assignee_id ?? 'nobody').sort(),
    [cat, 'nobody', 'nobody'].sort(),
  );
  t.notOk('returned' in (await setAgents(business, [cat])), 'nothing was lost');
  const log = await sql(
    "select * from business_steps where reason = 'removed' and actor_id is null",
  );
  t.equal(log.length, 2, 'a service is no actor');
});

t.test('of hundreds, a part is told and all are owed', async (t) => {
  const { business, agents } = await makeBusiness(store);
  const [ann] = agents as [UserId];
  await writeHeld(business, ann, 450);
  const { returned } = await remove(business, ann);
  t.equal(returned?.all.length, 450);
  t.equal(returned?.told.length, 100);
  t.ok(Buffer.byteLength(JSON.stringify(returned)) < 300_000);
  const versions = returned?.told.flatMap(
    ({ inbox }) => inbox?.map(({ version }) => version) ?? [],
  );
  t.equal(Math.max(...(versions ?? [])), 450, 'the newest version is told');
  t.equal(new Set(versions).size, 100);
  t.ok((await rowsOf(business)).every(({ state }) => state === 'waiting'));
  const owed = await sql(
    "select from outbox where payload->'user_ids' = to_jsonb(array[$1::text])",
    [ann],
  );
  t.equal(owed.length, 450);
  const log = await sql('select version from business_steps where business_id = $1', [business]);
  t.equal(new Set(log.map(({ version }) => version)).size, 450);
  const left = await sql('select from participants where user_id = $1 and left_at is null', [ann]);
  t.equal(left.length, 0);
});

t.test('a removal that would return too much is refused, and changes nothing', async (t) => {
  const { business, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [UserId, UserId];
  await writeHeld(business, ann, 2_501);
  await writeHeld(business, bob, 2_500);
  await t.rejects(setAgents(business, []), { code: 'CONFLICT', details: { open: 5_001 } });
  t.ok((await rowsOf(business)).every(({ state }) => state === 'assigned'));
  t.ok((await remove(business, bob)).returned, 'one after the other goes');
});

t.test('of two managers who remove each other, one goes, and what they have waits', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { business, manager: ann } = await makeBusiness(store, { agents: 0 });
    const bob = newId<UserId>();
    const agent = { user_id: bob, role: 'manager' as const };
    const of = { asker: 'service' as const, business_id: business };
    await store.operations['businesses.set_agent']({ ...of, agent }, 0);
    const people = [ann, bob] as const;
    for (const one of people) await makeHeld(business, { manager: ann, agent: one });
    const results = await Promise.allSettled([
      remove(business, bob, { asker: ann }),
      remove(business, ann, { asker: bob, at: other }),
    ]);
    t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    t.equal(KahaError.from(refused?.reason).code, 'FORBIDDEN');
    const kept = results[0]?.status === 'fulfilled' ? ann : bob;
    const holders = (await rowsOf(business)).map(({ assignee_id }) => assignee_id);
    t.same(
      holders.filter((holder) => holder !== null),
      [kept],
    );
  }
});

t.test('an assignment that races a removal ends with an agent, or waits', async (t) => {
  const takeElsewhere = stepTaker(other);
  for (let round = 0; round < 20; round += 1) {
    const { business, manager, agents } = await makeBusiness(store);
    const [ann] = agents as [UserId];
    const { id } = await makeConversation(store, business);
    await take({ user: manager, id }, 'reopen');
    const [, removed] = await Promise.allSettled([
      takeElsewhere({ user: manager, id }, 'assign', { agent_id: ann }),
      remove(business, ann),
    ]);
    t.equal(removed.status, 'fulfilled');
    t.match(await rowsOf(business), [{ state: 'waiting', assignee_id: null }]);
    const left = await sql('select from participants where user_id = $1 and left_at is null', [
      ann,
    ]);
    t.equal(left.length, 0);
  }
});

t.test('a close that races a removal keeps the conversation closed', async (t) => {
  const takeElsewhere = stepTaker(other);
  for (let round = 0; round < 20; round += 1) {
    const { business, manager, agents } = await makeBusiness(store);
    const [ann] = agents as [UserId];
    const { id } = await makeHeld(business, { manager, agent: ann });
    const [closed, removed] = await Promise.allSettled([
      takeElsewhere({ user: manager, id }, 'close'),
      remove(business, ann),
    ]);
    t.same([closed.status, removed.status], ['fulfilled', 'fulfilled']);
    t.match(await rowsOf(business), [{ state: 'closed', assignee_id: null }]);
  }
});
