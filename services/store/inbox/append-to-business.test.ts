import pg from 'pg';
import t, { type Test } from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import type { AppendItem } from '../../../shared/contracts/append.ts';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import {
  type BusinessId,
  type ConversationId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { createOutage } from '../stage/outage.ts';
import { CLOSED, OPEN, setShopStage } from '../stage/shop-stage.ts';
import {
  append,
  appendOk,
  codeOf,
  createTalk,
  letter,
  openStore,
  type StoreParts,
} from '../stage/store-stage.ts';

const stage = await setShopStage(t);
const { store, sql, open, send, take, rowOf, inboxOf, messagesOf, awayOf } = stage;
const others = [stage.openStore(), stage.openStore()];

t.test('the first message of a customer waits from its own time on', async (t) => {
  const shop = await open();
  const { id, business_id, customer } = shop;
  const reply = await append(store, id, [letter(customer, 'Namaste')]);
  const [sent] = await appendOk(store, id, [letter(customer, 'again')]);
  const first = reply.results[0];
  const since = first?.ok && first.sent_at;
  t.equal(reply.conversation_version, 2);
  t.match(reply.participants, { version: 2, user_ids: [customer], type: 'business' });
  t.match(reply.inbox, [
    {
      business_id,
      version: 1,
      change: 'added',
      conversation_id: id,
      before: { state: 'closed', customer_id: customer },
      after: { state: 'waiting', customer_id: customer },
      is_due: true,
      reason: 'message',
      record: {
        state: 'waiting',
        waiting_since: since,
        version: 2,
        last_seq: 1,
        last_message: { content: 'Namaste', seq: 1, sender_id: customer },
        participants: [{ user_id: customer }, { user_id: business_id as string as UserId }],
      },
    },
  ]);
  t.same(reply.entries, []);
  t.match(await rowOf(shop), {
    state: 'waiting',
    waiting_since: since,
    opened_at: since,
    unanswered_seq: 1,
    unanswered_since: since,
    version: 2,
    last_seq: sent?.seq,
  });
  t.match(await inboxOf(shop), { version: 2, due_at: String });
  const steps = await sql('select * from business_steps where business_id = $1', [business_id]);
  t.match(steps, [{ version: 1, step: 'added', actor_id: customer, waiting_since: since }]);
});

t.test('a message of a customer who waits updates the inbox and is no step', async (t) => {
  const shop = await open();
  await send(shop, shop.customer);
  const { inbox, conversation_version } = await append(store, shop.id, [letter(shop.customer)]);
  t.equal(conversation_version, 2);
  t.match(inbox, [{ version: 2, change: 'updated', is_due: false, record: { last_seq: 2 } }]);
  const steps = await sql('select from business_steps where business_id = $1', [shop.business_id]);
  t.equal(steps.length, 1);
});

t.test('the answer of the agent clears what is unanswered', async (t) => {
  const shop = await open();
  const { id, customer, agent } = shop;
  const { sent_at } = await send(shop, customer);
  await take(shop, 'assign');
  const { version } = (await inboxOf(shop)) as { version: number };
  const reply = await append(store, id, [letter(agent)]);
  const [answer] = reply.results;
  const answeredAt = answer?.ok ? answer.sent_at : '';
  t.equal(reply.first_response_ms, Date.parse(answeredAt) - Date.parse(sent_at));
  t.same([reply.inbox ?? [], reply.entries ?? []], [[], []]);
  t.match(await rowOf(shop), {
    unanswered_seq: null,
    unanswered_since: null,
    has_answered: true,
    answered_at: answeredAt,
    version: 3,
  });
  t.match(await inboxOf(shop), { version });
  const again = await append(store, id, [letter(agent)]);
  t.notOk('first_response_ms' in again);
});

t.test('a router looks again after a customer has written to an agent who answered', async (t) => {
  const shop = await open({ ...OPEN, reassign_after_s: 100 });
  await send(shop, shop.customer);
  await take(shop, 'assign');
  await send(shop, shop.agent);
  await sql('update business_inboxes set due_at = null');
  const { sent_at } = await send(shop, shop.customer);
  const due = new Date(Date.parse(sent_at) + 100_000).toISOString();
  t.match(await inboxOf(shop), { due_at: due });
  await send(shop, shop.customer);
  t.match(await inboxOf(shop), { due_at: due }, 'the first message counts');
  await send(shop, shop.agent);
  await sql(`update business_inboxes set due_at = now() + interval '3 s',
    claimed_until = now() + interval '3 s'`);
  const later = await send(shop, shop.customer);
  const row = (await inboxOf(shop)) as { due_at: string };
  const lateMs = Date.parse(row.due_at) - Date.parse(later.sent_at);
  t.ok(lateMs >= 0 && lateMs < 2_000, 'at once, if a router has the business now');
});

t.test('a repeat steps no further, whoever takes part by then', async (t) => {
  const shop = await open(CLOSED);
  const { id, customer, agent } = shop;
  const item = letter(customer);
  const [first] = await appendOk(store, id, [item]);
  const repeats = await Promise.all([store, ...others].map((at) => append(at, id, [item, item])));
  for (const { results, inbox, entries } of repeats) {
    const known = { ok: true, seq: 1, message_id: first?.message_id, duplicate: true };
    t.match(results, [known, known]);
    t.same([inbox ?? [], entries ?? []], [[], []]);
  }
  t.equal((await awayOf(shop)).length, 1);
  await take(shop, 'assign');
  const answer = letter(agent);
  await appendOk(store, id, [answer]);
  await take(shop, 'close');
  const row = await rowOf(shop);
  for (const repeat of [answer, item]) {
    t.match(await appendOk(others[0] as StoreParts, id, [repeat]), [{ duplicate: true }]);
  }
  t.same(await rowOf(shop), row, 'a repeat opens nothing');
  const { results } = await append(store, id, [letter(agent)]);
  t.same(results.map(codeOf), ['NOT_A_PARTICIPANT'], 'a former agent writes nothing new');
});

t.test('refused sends leave the conversation as it is', async (t) => {
  const shop = await open(CLOSED);
  const { id, customer, agent } = shop;
  const talk = await createTalk(store);
  const [foreign] = await appendOk(store, talk.id, [letter(talk.alice)]);
  const row = await rowOf(shop);
  const reply_to = foreign?.message_id as MessageId;
  const bad: AppendItem = { ...letter(customer), client_msg_id: 'not-a-uuid' };
  const items = [
    { ...letter(customer), reply_to },
    letter(agent),
    letter(shop.business_id as string as UserId),
    bad,
  ];
  for (const business_id of [undefined, shop.business_id]) {
    const request = { conversation_id: id, items, ...(business_id && { business_id }) };
    const asked = store.operations['messages.append'](request, steadyMs() + 5_000);
    const { results, inbox, entries } = await asked;
    const [first, second, third, fourth] = results.map(codeOf);
    t.same([first, fourth], ['INVALID_REQUEST', 'INVALID_REQUEST']);
    t.same([second, third], ['NOT_A_PARTICIPANT', 'NOT_A_PARTICIPANT']);
    t.same([inbox ?? [], entries ?? []], [[], []]);
  }
  t.same(await rowOf(shop), row);
  const good = await append(store, id, [...items, letter(customer)]);
  t.same(good.results.map(codeOf).at(-1), undefined, 'a refusal harms no other send');
  t.match(await rowOf(shop), { state: 'waiting', unanswered_seq: 1, last_seq: 2 });
  const keys = await sql('select from message_keys where conversation_id = $1', [id]);
  t.equal(keys.length, 1);
});

t.test('a caller who is wrong about the business costs nobody a message', async (t) => {
  const { id, alice } = await createTalk(store);
  const ask = (conversation_id: ConversationId) =>
    store.operations['messages.append'](
      { conversation_id, items: [letter(alice)], business_id: newId<BusinessId>() },
      steadyMs() + 5_000,
    );
  t.match(await ask(id), { results: [{ ok: true, seq: 1 }], conversation_version: 1 });
  const { results } = await ask(newId());
  t.same(results.map(codeOf), ['CONVERSATION_NOT_FOUND']);
});

/** The connection holds a lock until the test ends or `release` is called. */
async function lock(t: Test, statement: string, values: unknown[]) {
  const client = new pg.Client({ connectionString: stage.url, application_name: 'locker' });
  await client.connect();
  t.teardown(() => client.end());
  await client.query('begin');
  await client.query(statement, values);
  const end = (how: 'commit' | 'rollback') => () => client.query(how);
  return { release: end('rollback'), commit: end('commit') };
}
const LOCK = 'select from conversations where conversation_id = $1 for update';

t.test(
  'sends to a conversation that stays locked are refused in time, and no others',
  async (t) => {
    const [held, free] = [await open(), await open()];
    await lock(t, LOCK, [held.id]);
    const watch = startStopwatch();
    const waiting = append(store, held.id, [letter(held.customer)]);
    for (let round = 0; round < 20; round += 1) await send(free, free.customer);
    const { results } = await waiting;
    t.match(results, [{ ok: false, error: { code: 'DATABASE_UNAVAILABLE', retry_after: Number } }]);
    t.ok(watch.stop() < 1_800, 'the answer came within the deadline of store');
    t.match(await rowOf(held), { state: 'closed', last_seq: 0 });
  },
);

t.test('a send that waited for a step is judged by what the step has left', async (t) => {
  const shop = await open();
  await send(shop, shop.customer);
  const held = await lock(
    t,
    `update conversations set state = 'closed', waiting_since = null, unanswered_seq = null,
      unanswered_since = null, last_agent_id = $2, version = 3, closed_at = now()
      where conversation_id = $1`,
    [shop.id, shop.agent],
  );
  const sending = append(store, shop.id, [letter(shop.customer)]);
  await until('the send waits', async () => {
    const [row] = await sql('select count(*) from pg_locks where not granted');
    return (row?.count as number) > 0;
  });
  await held.commit();
  const { inbox, conversation_version } = await sending;
  t.equal(conversation_version, 4);
  t.match(inbox, [{ change: 'added', before: { state: 'closed', last_agent_id: shop.agent } }]);
  t.match(await rowOf(shop), { preferred_agent_id: shop.agent, closed_at: null });
});

t.test('a send whose deadline has passed is not written', async (t) => {
  const { id, customer, business_id } = await open();
  const request = { conversation_id: id, items: [letter(customer)], business_id };
  const { results } = await store.operations['messages.append'](request, steadyMs() - 1);
  t.same(results.map(codeOf), ['TIMEOUT']);
  t.same(await sql('select from messages where conversation_id = $1', [id]), []);
});

t.test('if Postgres ends amid the step, nothing of it and of its messages stays', async (t) => {
  const shop = await open(CLOSED);
  const [row, inbox] = [await rowOf(shop), await inboxOf(shop)];
  await lock(t, 'select from business_inboxes where business_id = $1 for update', [
    shop.business_id,
  ]);
  let isOver = false;
  const item = letter(shop.customer);
  const sending = append(store, shop.id, [item]).finally(() => {
    isOver = true;
  });
  await until('the send was given up', async () => {
    await sql(`select pg_terminate_backend(a.pid) from pg_stat_activity a
      join pg_locks l on l.pid = a.pid and not l.granted where datname = current_database()`);
    return isOver;
  });
  const { results } = await sending;
  t.same(results.map(codeOf), ['DATABASE_UNAVAILABLE']);
  t.same(await rowOf(shop), row);
  t.same(await inboxOf(shop), inbox);
  for (const table of ['messages', 'message_keys']) {
    t.same(await sql(`select from ${table} where conversation_id = $1`, [shop.id]), []);
  }
});
t.test('a send whose answer was lost neither steps nor sends an away message twice', async (t) => {
  const outage = await createOutage(stage.url);
  const cut = openStore(outage.url);
  t.teardown(async () => {
    await cut.close();
    await outage.close();
  });
  for (let round = 0; round < 3; round += 1) {
    const shop = await open(CLOSED);
    outage.loseAnswer('COMMIT');
    const item = letter(shop.customer);
    const reply = await append(cut, shop.id, [item]);
    t.match(reply.results, [{ ok: true, seq: 1 }]);
    t.notOk(reply.results[0]?.ok && reply.results[0].duplicate, 'it is the send that was written');
    t.match(reply.inbox, [{ version: 1, change: 'added', conversation_id: shop.id, is_due: true }]);
    t.same(reply.entries ?? [], []);
    const owed = await sql(`select from outbox where conversation_id = $1 and kind = 'message'`, [
      shop.id,
    ]);
    t.equal(owed.length, 2, 'a repair brings the away message');
    const again = await append(cut, shop.id, [item]);
    t.match(again.results, [{ duplicate: true, seq: 1 }]);
    t.same(again.inbox ?? [], [], 'a repeat by the client tells nothing');
    t.equal((await messagesOf(shop)).length, 2);
    t.match(await inboxOf(shop), { version: 1 });
  }
});

t.test('a send whose connections are cut is written once, with its step', async (t) => {
  const shop = await open(CLOSED);
  for (let round = 0; round < 5; round += 1) {
    const sending = send(shop, shop.customer);
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    t.match(await sending, { seq: round === 0 ? 1 : round + 2 });
  }
  t.equal((await messagesOf(shop)).length, 6);
  t.match(await inboxOf(shop), { version: 5 });
});

t.test('messages and steps of one business never wait for each other in a circle', async (t) => {
  const desk = await makeBusiness(store, { agents: 3, capacity: 100 });
  await stage.set(desk.business, { ...CLOSED, capacity: 100 });
  const made = await Promise.all(
    Array.from({ length: 6 }, () => makeConversation(store, desk.business)),
  );
  const stores = [store, ...others];
  const refusals: string[] = [];
  const changes: InboxChange[] = [];
  // Of nine workers, three are the same agent, and all come to each conversation in turn.
  const work = async (_: unknown, worker: number) => {
    const at = stores[worker % 3] as StoreParts;
    const agent = desk.agents[Math.floor(worker / 3)] as UserId;
    for (let turn = 0; turn < 60; turn += 1) {
      const { id, customer } = made[(worker + Math.floor(turn / 5)) % 6] as (typeof made)[number];
      const step = ([undefined, 'assign', undefined, undefined, 'close'] as const)[turn % 5];
      if (step === undefined) {
        const { results, inbox } = await append(at, id, [
          letter(turn % 5 === 2 ? agent : customer),
        ]);
        refusals.push(codeOf(results[0]) ?? 'ok');
        changes.push(...(inbox ?? []));
      } else {
        const taken = stepTaker(at)({ user: agent, id }, step);
        const { inbox } = await taken.catch(({ code }) => ({ inbox: void refusals.push(code) }));
        changes.push(...(inbox ?? []));
      }
    }
  };
  await Promise.all(Array.from({ length: 9 }, work));
  // `lock_timeout` is shorter than `deadlock_timeout`, so a deadlock would show as a refusal.
  t.notOk(refusals.includes('DATABASE_UNAVAILABLE'));
  const versions = changes.map(({ version }) => version).sort((one, two) => one - two);
  t.same(
    versions,
    versions.map((_, index) => index + 1),
    'each change of the inbox has a version of its own',
  );
  const [inbox] = await sql('select version from business_inboxes where business_id = $1', [
    desk.business,
  ]);
  t.match(inbox, { version: versions.length });
  const answers = await sql(
    `select from messages where sender_id = any($1) and message_type = 'text'`,
    [desk.agents],
  );
  t.ok(answers.length > 0, 'agents answered amid it');
  for (const { id } of made) {
    const [row] = await sql(
      `select c.last_seq, count(m.seq), max(m.seq) as high,
        count(*) filter (where m.sender_id = c.business_id) as away
      from conversations c join messages m using (conversation_id)
      where conversation_id = $1 group by c.last_seq`,
      [id],
    );
    t.match(row, { count: row?.last_seq, high: row?.last_seq, away: 1 });
  }
});
