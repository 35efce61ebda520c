import t from 'tap';
import type { ReturnReason } from '../../../shared/contracts/assignment.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { type StoreParts, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
const rows = new BusinessRows(sql);

type Given = { business: BusinessId; id: ConversationId; agent: UserId; version?: number };

/** Does what a router does that has planned a step. */
const change = (at: StoreParts, command: object) =>
  at.operations['conversations.change'](command as ConversationCommand, 0);
const give = ({ business, id, agent, version = 1 }: Given, at: StoreParts = store) =>
  change(at, {
    ...{ op: 'conversations.assign_waiting', user_id: business, conversation_id: id },
    ...{ agent_id: agent, version },
  });
const takeBack = ({ business, id, agent, version = 1 }: Given, reason: ReturnReason) =>
  change(store, {
    ...{ op: 'conversations.return', user_id: business, conversation_id: id },
    ...{ agent_id: agent, version, reason },
  });

const refusalOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error) => {
      const { code, message } = KahaError.from(error);
      return `${code}: ${message}`;
    },
  );
const rowOf = async (id: ConversationId) =>
  (await sql('select * from conversations where conversation_id = $1', [id]))[0];

/** Makes a business with one agent, and a conversation that waits. */
async function setWaiting(of: { business?: object; agent?: object; times?: object } = {}) {
  const business = await rows.business({ ...of.business });
  const agent = await rows.agent(business, { ...of.agent }, { ...of.times });
  const { conversation_id: id, customer_id } = await rows.waiting(
    business,
    "now() - interval '9 s'",
  );
  return { business, agent, id, customer: customer_id };
}

t.test('what waits is assigned in the name of the business', async (t) => {
  const given = await setWaiting();
  const { business, agent, id, customer } = given;
  await sql('update business_inboxes set due_at = null where business_id = $1', [business]);
  const { entries, inbox, record } = await give(given);
  t.equal(record, undefined, 'no user asked for it');
  const metadata = { event: 'agent_assigned', user_id: agent, reason: 'auto' };
  t.match(entries, [
    { change: 'assigned' },
    { message: { sender_id: business, metadata, message_type: 'system' } },
  ]);
  t.same(new Set(entries[1]?.user_ids), new Set([agent, customer]));
  t.match(inbox, [{ change: 'assigned', reason: 'auto', is_due: false, waited_ms: Number }]);
  t.ok((inbox?.[0]?.waited_ms ?? 0) >= 9_000);
  t.match(await rowOf(id), { state: 'assigned', assignee_id: agent, has_answered: false });
  const log = await sql('select * from business_steps where business_id = $1', [business]);
  t.match(log, [{ reason: 'auto', actor_id: null, agent_id: agent, open: 1, capacity: 5 }]);
  t.match(await sql('select * from business_agents where user_id = $1', [agent]), [
    { last_assigned_at: String },
  ]);
  t.match(await sql('select * from business_inboxes where business_id = $1', [business]), [
    { version: 1, due_at: null },
  ]);
});

t.test('an assignment that does not fit any more is refused, and changes nothing', async (t) => {
  const past = { offline_since: "now() - interval '61 s'" };
  const never = { hours: '{}' };
  const scenes: [string, Parameters<typeof setWaiting>[0]][] = [
    ['CONFLICT: The agent is not available', { agent: { status: 'away' } }],
    ['CONFLICT: The agent is not available', { agent: { status: 'offline' } }],
    ['CONFLICT: The agent is not available', { times: past }],
    ['CONFLICT: The business is closed', { business: never }],
    ['CONFLICT: The agent has no free place', { business: { capacity: 0 } }],
    ['CONFLICT: The agent has no free place', { agent: { capacity: 0 } }],
  ];
  for (const [refusal, of] of scenes) {
    const given = await setWaiting(of);
    t.equal(await refusalOf(give(given)), refusal, JSON.stringify(of));
    t.match(await rowOf(given.id), { state: 'waiting', version: 1 });
  }
  const given = await setWaiting({ times: { offline_since: "now() - interval '58 s'" } });
  const refuse = async (changed: Partial<Given>, refusal: string) =>
    t.equal(await refusalOf(give({ ...given, ...changed })), `CONFLICT: ${refusal}`);
  await refuse({ version: 2 }, 'The conversation has changed');
  await refuse({ agent: newId() }, 'The agent is gone');
  await sql('update conversations set customer_id = $1 where conversation_id = $2', [
    given.agent,
    given.id,
  ]);
  await refuse({}, 'The agent is the customer');
  await sql('update conversations set customer_id = $1 where conversation_id = $2', [
    newId(),
    given.id,
  ]);
  t.equal(await refusalOf(give(given)), 'ok', 'during the grace an agent is given more');
  await refuse({ version: 2 }, 'The conversation has changed');
  const nowhere = { ...given, id: newId<ConversationId>() };
  t.match(await refusalOf(give(nowhere)), /^CONVERSATION_NOT_FOUND/);
});

t.test('nothing newer passes over what the same agent could have', async (t) => {
  const newer = await setWaiting();
  const { business, agent } = newer;
  const someone = await rows.agent(business);
  const gone = await rows.agent(business, { status: 'offline' });
  const refusal = 'CONFLICT: An older conversation waits';
  const older = (columns: object) =>
    rows.waiting(business, "now() - interval '1 hour'", { ...columns });
  for (const columns of [
    {},
    { preferred_agent_id: agent },
    { preferred_agent_id: gone },
    { preferred_agent_id: newId<UserId>() },
    { customer_id: someone },
  ]) {
    const { conversation_id } = await older(columns);
    t.equal(await refusalOf(give(newer)), refusal, JSON.stringify(Object.keys(columns)));
    await sql(
      "update conversations set state = 'closed', waiting_since = null where conversation_id = $1",
      [conversation_id],
    );
  }
  await older({ preferred_agent_id: someone });
  await older({ customer_id: agent });
  t.equal(await refusalOf(give(newer)), 'ok', 'the older ones are for others');
});

t.test('who waits for an agent who is available is given to nobody else', async (t) => {
  const { business, agent } = await setWaiting();
  const full = await rows.agent(business, { capacity: 0 });
  const columns = { preferred_agent_id: full };
  const { conversation_id: id } = await rows.waiting(business, "now() - interval '1 day'", columns);
  const given = { business, agent, id };
  t.equal(await refusalOf(give(given)), 'CONFLICT: The conversation waits for another agent');
  await sql("update business_agents set status = 'away' where user_id = $1", [full]);
  t.equal(await refusalOf(give(given)), 'ok');
});

t.test('of two routers that give out one conversation, one does', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const given = await setWaiting();
    const agent = await rows.agent(given.business);
    const results = await Promise.all([
      refusalOf(give(given)),
      refusalOf(give({ ...given, agent }, other)),
    ]);
    t.same(results.sort(), ['CONFLICT: The conversation has changed', 'ok']);
  }
});

t.test('of two conversations for one place, the older one gets it', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const older = await setWaiting({ agent: { capacity: 1 } });
    const { conversation_id: id } = await rows.waiting(older.business);
    const [newer, first] = await Promise.all([
      refusalOf(give({ ...older, id }, other)),
      refusalOf(give(older)),
    ]);
    t.equal(first, 'ok');
    t.match(newer, /^CONFLICT/);
    t.match(await rowOf(id), { state: 'waiting' });
  }
});

/** An agent has a conversation who is away by these columns and times. */
async function setHeld(
  agentIs: { columns?: object; times?: object },
  held: { assigned_at?: string; unanswered_since?: string; columns?: object } = {},
) {
  const business = await rows.business();
  const agent = await rows.agent(business, { ...agentIs.columns }, { ...agentIs.times });
  const columns = { ...held.columns };
  const { conversation_id: id } = await rows.assigned(business, { agent, ...held, columns });
  return { business, agent, id };
}

const ago = (seconds: number) => `now() - interval '${seconds} s'`;
const gone = { times: { offline_since: ago(70) } };

t.test('what nobody has answered goes back from an agent who is away', async (t) => {
  const given = await setHeld(gone, { assigned_at: ago(100), unanswered_since: ago(90) });
  const { agent, id, business } = given;
  const { inbox, entries } = await takeBack(given, 'offline');
  t.match(inbox, [{ change: 'released', reason: 'offline', is_due: true }]);
  t.match(entries, [{ change: 'assigned', closes_membership: true }]);
  t.same(entries[0]?.user_ids, [agent], 'nobody else is told');
  const row = await rowOf(id);
  t.match(row, { state: 'waiting', assignee_id: null, last_agent_id: agent });
  t.equal(row?.waiting_since, row?.unanswered_since, 'the old waiting time is kept');
  const log = await sql('select * from business_steps where business_id = $1', [business]);
  t.match(log, [{ step: 'released', reason: 'offline', actor_id: null, from_agent_id: agent }]);
});

t.test('what an agent has answered goes back if they do not answer again', async (t) => {
  const answered = { assigned_at: ago(900), columns: { has_answered: true } };
  const kept = await setHeld(gone, answered);
  const refusal = 'CONFLICT: The agent is not away';
  t.equal(await refusalOf(takeBack(kept, 'no_answer')), refusal, 'nobody waits for an answer');
  const long = { times: { offline_since: ago(400) } };
  const soon = await setHeld(long, { ...answered, unanswered_since: ago(200) });
  t.equal(await refusalOf(takeBack(soon, 'no_answer')), refusal);
  const late = await setHeld(long, { ...answered, unanswered_since: ago(301) });
  t.equal(await refusalOf(takeBack(late, 'no_answer')), 'ok');
});

t.test('a return that does not fit any more is refused', async (t) => {
  const old = { assigned_at: ago(100) };
  const cases: [string, { columns?: object; times?: object }][] = [
    ['who is there', {}],
    ['who is in their grace', { times: { offline_since: ago(50) } }],
    ['who only takes nothing new', { columns: { status: 'away' } }],
  ];
  for (const [who, agentIs] of cases) {
    const given = await setHeld(agentIs, old);
    t.equal(await refusalOf(takeBack(given, 'offline')), 'CONFLICT: The agent is not away', who);
    t.match(await rowOf(given.id), { state: 'assigned', version: 1 });
  }
  const given = await setHeld(gone, old);
  const changed = 'CONFLICT: The conversation has changed';
  t.equal(await refusalOf(takeBack({ ...given, version: 2 }, 'offline')), changed);
  const agent = await rows.agent(given.business, {}, gone.times);
  t.equal(await refusalOf(takeBack({ ...given, agent }, 'offline')), changed);
  const waiting = await setWaiting(gone);
  t.equal(await refusalOf(takeBack(waiting, 'offline')), changed);
});
