import { once } from 'node:events';
import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { returnOf } from '../../../shared/business/agent-absence.ts';
import type { Scene } from '../../../shared/business/give-out.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { PresenceRows } from '../stage/presence-rows.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { AgentPresences } from './agent-presence.ts';
import { planBusiness } from './read-plans.ts';
import { HELD_MAX, readScene } from './read-scene.ts';

const { url, sql } = await setStage(t);
const { db, close } = openDatabase({ url, poolMax: 1, logger: silent });
t.teardown(close);
const redis = new Redis(await redisUrl());
await once(redis, 'ready');
t.teardown(() => redis.disconnect());
const presence = new PresenceRows(redis);
const presences = new AgentPresences({ redis, logger: silent });
const rows = new BusinessRows(sql);
const HOUR_AGO = `now() - interval '1 hour'`;

/** The heartbeat of the edge is new at each plan, however slow the test is. */
async function plan(id: BusinessId) {
  await presence.live();
  return planBusiness({ db, presences }, id);
}
const minutesAgo = (n: number): string => `now() - interval '${n} min'`;

t.test('what is due goes back, however many stay with agents whose grace runs', async (t) => {
  const id = await rows.business({ offline_grace_s: 600 });
  const inGrace = await rows.agent(id, {}, { offline_since: minutesAgo(1) });
  const stays = { agent: inGrace, assigned_at: HOUR_AGO };
  await rows.copy(await rows.assigned(id, stays), HELD_MAX);
  const says = await rows.agent(id, { status: 'offline' }, { status_at: 'now()' });
  const wrote = { assigned_at: minutesAgo(1), unanswered_since: minutesAgo(1) };
  const { conversation_id } = await rows.assigned(id, { agent: says, ...wrote });
  t.match((await plan(id)).plans, [{ conversation_id, kind: 'return', reason: 'offline' }]);
  await sql(`update business_agents set status = 'available' where user_id = $1`, [says]);
  const { plans, nextAtMs = 0 } = await plan(id);
  t.same(plans, []);
  const inMs = nextAtMs - Date.now();
  t.ok(inMs > 530_000 && inMs <= 540_000, 'the next look is at the end of the grace');
});

t.test('what is due goes back, however many answered ones stay for a while', async (t) => {
  const id = await rows.business({ offline_grace_s: 60, reassign_after_s: 3_600 });
  const gone = await rows.agent(id, {}, { offline_since: minutesAgo(30) });
  const answered = { agent: gone, assigned_at: HOUR_AGO, columns: { has_answered: true } };
  const late = { ...answered, unanswered_since: HOUR_AGO };
  await rows.copy(await rows.assigned(id, late), HELD_MAX);
  const { conversation_id } = await rows.assigned(id, { agent: gone, assigned_at: HOUR_AGO });
  t.match((await plan(id)).plans, [{ conversation_id, reason: 'offline' }]);
});

t.test('what is due goes back, however much those keep who are online after all', async (t) => {
  const id = await rows.business({ offline_grace_s: 60 });
  const back = await rows.agent(id, {}, { offline_since: minutesAgo(30) });
  await presence.come(back);
  const stays = { agent: back, assigned_at: HOUR_AGO };
  await rows.copy(await rows.assigned(id, stays), HELD_MAX);
  const gone = await rows.agent(id, {}, { offline_since: minutesAgo(2) });
  const wrote = { assigned_at: HOUR_AGO, unanswered_since: minutesAgo(1) };
  const { conversation_id } = await rows.assigned(id, { agent: gone, ...wrote });
  t.match((await plan(id)).plans, [{ conversation_id, kind: 'return' }]);
  await presence.come(gone);
  const { plans, nextAtMs = 0 } = await plan(id);
  t.same(plans, []);
  t.ok(nextAtMs - Date.now() <= 5_000, 'it is looked at again soon');
});

t.test('a scene has those first that go back first', async (t) => {
  const id = await rows.business({ offline_grace_s: 300, reassign_after_s: 420 });
  const times = (n: number) => ({ status_at: minutesAgo(n), offline_since: minutesAgo(n % 13) });
  for (let n = 0; n < 12; n += 1) {
    const status = n % 3 === 0 ? 'offline' : 'available';
    const agent = await rows.agent(id, { status }, n % 2 === 0 ? times(n) : times(20 - n));
    for (let m = 0; m < 4; m += 1) {
      const unanswered_since = minutesAgo((n * m) % 11);
      const held = { agent, assigned_at: minutesAgo((n + 5 * m) % 17), unanswered_since };
      await rows.assigned(id, { ...held, columns: { has_answered: m % 2 === 0 } });
    }
  }
  const { held, agents, settings } = (await readScene(db, id)) as Scene;
  t.equal(held.length, 48);
  const byId = new Map(agents.map((agent) => [agent.user_id, agent]));
  const returns = held.map((one) => {
    const agent = byId.get(one.agent_id);
    return agent && returnOf(one, agent, settings)?.atMs;
  });
  t.ok(returns.every((atMs) => atMs !== undefined));
  t.same(
    returns,
    [...returns].sort((one = 0, other = 0) => one - other),
  );
});

t.test(
  'a scene has the oldest of those that wait, and never only what nobody may get',
  async (t) => {
    const id = await rows.business({ capacity: 1 });
    const busy = await rows.agent(id);
    await rows.assigned(id, { agent: busy });
    const preferring = await rows.waiting(id, HOUR_AGO, { preferred_agent_id: busy });
    await rows.copy(preferring, 200);
    const own = await rows.waiting(id, minutesAgo(30));
    const ann = await rows.agent(id, { capacity: 5 });
    await sql('update conversations set customer_id = $1 where conversation_id = $2', [
      ann,
      own.conversation_id,
    ]);
    const oldest = await rows.waiting(id, minutesAgo(20));
    await rows.copy(await rows.waiting(id, minutesAgo(10)), 300);
    t.equal((await readScene(db, id))?.waiting.length, 200);
    const { plans, isAll } = await plan(id);
    t.equal(plans.length, 5);
    t.match(plans[0], { conversation_id: oldest.conversation_id, agent_id: ann, kind: 'assign' });
    t.equal(isAll, false, 'more wait than one look gives out');
  },
);
