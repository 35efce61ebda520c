import { once } from 'node:events';
import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { PLANS_MAX } from '../../../shared/business/give-out.ts';
import type { AssignmentClaim } from '../../../shared/contracts/assignment.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { PresenceRows } from '../stage/presence-rows.ts';
import { openStore, setStage, silent } from '../stage/store-stage.ts';
import { AgentPresences } from './agent-presence.ts';
import { claimPlans } from './read-plans.ts';

const stage = await setStage(t);
const { sql } = stage;
const redis = new Redis(await redisUrl());
await once(redis, 'ready');
t.teardown(() => redis.disconnect());
const store = openStore(stage.url, { redis });
t.teardown(() => store.close());
const presence = new PresenceRows(redis);
await presence.live();
const rows = new BusinessRows(sql);
const lease_ms = 60_000;

/** Claims the business, and returns what it has to give out. A reading tells the same. */
async function read(id: BusinessId, { operations } = store) {
  await sql('update business_inboxes set due_at = case when business_id = $1 then now() end', [id]);
  const { claims } = await operations['assignment.claim']({ limit: 1, lease_ms }, 0);
  const { business_id, until: end, ...told } = claims[0] as AssignmentClaim;
  t.equal(business_id, id);
  const lease = { business_id, until: end, lease_ms };
  const { until = '', ...again } = await operations['assignment.read'](lease, 0);
  t.same(again.plans, told.plans);
  await operations['assignment.done']({ business_id, until, at: null }, 0);
  return told;
}

t.test('what waits longest is given to who has the fewest', async (t) => {
  const id = await rows.business();
  const [ann, bob] = [await rows.agent(id), await rows.agent(id)];
  await rows.assigned(id, { agent: ann });
  const late = await rows.waiting(id, `now() - interval '1 min'`);
  const early = await rows.waiting(id, `now() - interval '2 min'`);
  const { plans } = await read(id);
  t.match(plans, [
    { conversation_id: early.conversation_id, version: 1, agent_id: bob, kind: 'assign' },
    { conversation_id: late.conversation_id, kind: 'assign' },
  ]);
});

t.test('an agent has their own limit, or that of the business', async (t) => {
  const id = await rows.business({ capacity: 2 });
  const [ann, bob] = [await rows.agent(id, { capacity: 1 }), await rows.agent(id)];
  for (let made = 0; made < 9; made += 1) await rows.waiting(id);
  const { plans } = await read(id);
  const given = plans.map(({ agent_id }) => agent_id);
  t.same(given.sort(), [ann, bob, bob].sort());
});

t.test('only available agents are given anything', async (t) => {
  const id = await rows.business({ offline_grace_s: 60 });
  await rows.agent(id, { status: 'away' });
  await rows.agent(id, { status: 'offline' });
  await rows.agent(id, {}, { offline_since: `now() - interval '61 s'` });
  await rows.agent(await rows.business());
  await rows.waiting(id);
  t.same(await read(id), { plans: [], is_all: true, next_at: null });
  const ann = await rows.agent(id, {}, { offline_since: `now() - interval '30 s'` });
  t.match((await read(id)).plans, [{ agent_id: ann }], 'the grace runs');
});

t.test('a full agent holds up nobody, however many wait for that one', async (t) => {
  const id = await rows.business({ capacity: 1 });
  const full = await rows.agent(id);
  await rows.assigned(id, { agent: full });
  for (let made = 0; made < 250; made += 1) {
    await rows.waiting(id, `now() - interval '1 hour'`, { preferred_agent_id: full });
  }
  const last = await rows.waiting(id);
  t.same((await read(id)).plans, [], 'nobody else is there');
  const free = await rows.agent(id);
  t.match((await read(id)).plans, [{ ...last, customer_id: undefined, agent_id: free }]);
});

t.test('what an absent agent has not answered goes back, and what they have stays', async (t) => {
  await presence.live();
  const id = await rows.business({ offline_grace_s: 60, reassign_after_s: 300 });
  const before = `now() - interval '1 hour'`;
  const gone = await rows.agent(id, {}, { offline_since: `now() - interval '2 min'` });
  const unanswered = await rows.assigned(id, { agent: gone, assigned_at: before });
  const answered = { agent: gone, assigned_at: before, columns: { has_answered: true } };
  await rows.assigned(id, answered);
  const recent = { unanswered_since: `now() - interval '1 min'` };
  await rows.assigned(id, { ...answered, ...recent });
  const here = await rows.agent(id);
  await rows.assigned(id, { agent: here, assigned_at: before });
  const first = await read(id);
  t.match(first.plans, [
    { conversation_id: unanswered.conversation_id, kind: 'return', reason: 'offline' },
  ]);
  const inMs = Date.parse(first.next_at as string) - Date.now();
  t.ok(inMs > 230_000 && inMs <= 240_000, 'the second answered one goes back 4 min later');
  const old = { unanswered_since: `now() - interval '10 min'` };
  const waited = await rows.assigned(id, { ...answered, ...old });
  await sql(
    `update business_agents set offline_since = now() - interval '6 min'
    where user_id = $1`,
    [gone],
  );
  t.match((await read(id)).plans, [
    { conversation_id: unanswered.conversation_id, reason: 'offline' },
    { conversation_id: waited.conversation_id, kind: 'return', reason: 'no_answer' },
  ]);
});

t.test('nothing goes back while nobody knows whether the agent is gone', async (t) => {
  await presence.live();
  const id = await rows.business({ offline_grace_s: 60 });
  const gone = await rows.agent(id, {}, { offline_since: `now() - interval '2 min'` });
  const held = await rows.assigned(id, { agent: gone, assigned_at: `now() - interval '1 hour'` });
  const { conversation_id } = held;
  t.match((await read(id)).plans, [{ conversation_id, kind: 'return' }]);
  const unsure = async (at = store) => {
    const { plans, next_at } = await read(id, at);
    t.same(plans, []);
    const inMs = Date.parse(next_at as string) - Date.now();
    t.ok(inMs > 3_000 && inMs <= 5_000, 'it is looked at again soon');
  };
  await unsure(stage.store);
  await presence.live(1_000);
  await unsure();
  await presence.die();
  await unsure();
  await presence.live();
  await presence.come(gone);
  await unsure();
  await sql(
    `update business_agents set status = 'offline', status_at = now() - interval '1 min'
    where user_id = $1`,
    [gone],
  );
  t.match((await read(id)).plans, [{ conversation_id }], 'the agent said that they are gone');
});

t.test('a business gives nothing out before it opens, and much in several goes', async (t) => {
  const id = await rows.business({ hours: '{}', capacity: 100 });
  await rows.agent(id);
  for (let made = 0; made < PLANS_MAX + 1; made += 1) await rows.waiting(id);
  t.same(await read(id), { plans: [], is_all: true, next_at: null });
  await sql('update businesses set hours = null where business_id = $1', [id]);
  t.equal((await read(id)).plans.length, PLANS_MAX);
});

t.test('a business of which nothing is set has nobody to give anything to', async (t) => {
  const id = await rows.business();
  await rows.waiting(id);
  await sql('delete from businesses where business_id = $1', [id]);
  t.same(await read(id), { plans: [], is_all: true, next_at: null });
});

/** Makes these businesses due, the first for longest, and no other. */
async function makeDue(ids: readonly BusinessId[]): Promise<void> {
  await sql(
    `update business_inboxes set claimed_until = null, due_at =
      (select now() - interval '1 min' + n * interval '1 s'
        from unnest($1::uuid[]) with ordinality d (id, n) where id = business_id)`,
    [ids],
  );
}

t.test('a business that cannot be read costs those that are claimed with it nothing', async (t) => {
  const broken = await rows.business({ time_zone: 'Nowhere/Land', hours: '{}' });
  const id = await rows.business();
  await rows.agent(id);
  const { conversation_id } = await rows.waiting(id);
  await makeDue([broken, id]);
  const { claims } = await store.operations['assignment.claim']({ limit: 8, lease_ms }, 0);
  t.match(claims, [{ business_id: id, plans: [{ conversation_id }] }]);
  t.equal(claims.length, 1);
  const left = await sql(
    `select from business_inboxes
    where business_id = $1 and claimed_until = due_at and due_at > now()`,
    [broken],
  );
  t.equal(left.length, 1, 'it is due when its lease ends');
});

t.test('a claim that takes too long leaves what it has not read due at once', async (t) => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => rows.business()));
  for (const id of ids) {
    await rows.agent(id);
    await rows.waiting(id);
  }
  await makeDue(ids);
  const { db, close } = openDatabase({ url: stage.url, poolMax: 1, logger: silent });
  t.teardown(close);
  const presences = new AgentPresences({ redis, logger: silent });
  const deps = { db, presences, logger: silent, readMs: 0 };
  const { claims } = await claimPlans(deps, { limit: 3, lease_ms });
  const [read, ...others] = claims;
  t.equal(read?.plans.length, 1);
  t.equal(others.length, 2);
  for (const { business_id, until, plans, next_at: at } of others) {
    t.same(plans, []);
    const ended = await store.operations['assignment.done']({ business_id, until, at }, 0);
    t.ok(ended.is_due);
  }
});
