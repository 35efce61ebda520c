import { once } from 'node:events';
import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { PresenceRows } from '../stage/presence-rows.ts';
import { openStore, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { sql } = stage;
const redis = new Redis(await redisUrl());
await once(redis, 'ready');
t.teardown(() => redis.disconnect());
const store = openStore(stage.url, { redis });
t.teardown(() => store.close());
const rows = new BusinessRows(sql);
const presence = new PresenceRows(redis);
await presence.live();

/** Tells store of users as an edge does, and returns the businesses that it names. */
async function note(users: readonly UserId[], is_online: boolean, at = store) {
  const changes = users.map((user_id) => ({ user_id, is_online }));
  return (await at.operations['agents.presence']({ changes }, 0)).business_ids;
}

async function isOnline(user: UserId): Promise<boolean> {
  const [row] = await sql<{ offline_since: string | null }>(
    'select offline_since from business_agents where user_id = $1',
    [user],
  );
  return row?.offline_since === null;
}

/** The business was looked at, and is due in an hour. */
const rest = (...ids: BusinessId[]) =>
  sql(
    `update business_inboxes set due_at = now() + interval '1 hour'
    where business_id = any($1)`,
    [ids],
  );

async function dueOf(...ids: BusinessId[]): Promise<BusinessId[]> {
  const due = await sql<{ business_id: BusinessId }>(
    'select business_id from business_inboxes where due_at <= now() and business_id = any($1)',
    [ids],
  );
  return due.map(({ business_id }) => business_id).sort();
}

const OFFLINE = { offline_since: `now() - interval '1 hour'` };

t.test('an agent who comes is online in all their businesses, which are due', async (t) => {
  const [one, other] = [await rows.business(), await rows.business()];
  const ann = await rows.agent(one, {}, OFFLINE);
  await sql(`insert into business_agents (business_id, user_id, status) values ($1, $2, 'away')`, [
    other,
    ann,
  ]);
  await rest(one, other);
  await presence.come(ann);
  const named = await note([ann, newId<UserId>()], true);
  t.same(named.sort(), [one, other].sort());
  t.same(await dueOf(one, other), [one, other].sort());
  t.ok(await isOnline(ann));
  t.same(await note([ann], true), [], 'the same again is no news');
});

t.test('an agent who goes is offline from now on', async (t) => {
  const id = await rows.business();
  const ann = await rows.agent(id);
  await rest(id);
  t.same(await note([ann], false), [id]);
  const [row] = await sql<{ ago: number }>(
    `select extract(epoch from clock_timestamp() - offline_since)::float8 as ago
      from business_agents where user_id = $1`,
    [ann],
  );
  t.ok(Math.abs(row?.ago ?? 99) < 2, `${row?.ago} s`);
  t.same(await dueOf(id), [id], 'a router has to look when the grace ends');
});

t.test('of an agent who says offline and has nothing, only the row is changed', async (t) => {
  const id = await rows.business();
  const ann = await rows.agent(id, { status: 'offline' }, OFFLINE);
  await rest(id);
  await presence.come(ann);
  t.same(await note([ann], true), []);
  t.same(await dueOf(id), []);
  t.ok(await isOnline(ann));
  await presence.go(ann);
  t.same(await note([ann], false), []);
  t.notOk(await isOnline(ann));
});

t.test('who says offline and goes loses what they have when the grace ends', async (t) => {
  const id = await rows.business();
  const ann = await rows.agent(id, { status: 'offline' });
  const { conversation_id } = await rows.assigned(id, { agent: ann });
  await rest(id);
  t.same(await note([ann], false), [id]);
  t.same(await dueOf(id), [id], 'a router has to look when the grace ends');
  await sql(
    `update conversations set state = 'closed', assignee_id = null where conversation_id = $1`,
    [conversation_id],
  );
  await rest(id);
  await presence.come(ann);
  t.same(await note([ann], true), [], 'who has nothing any more loses nothing');
});

t.test('a report that is late changes nothing', async (t) => {
  const id = await rows.business();
  const [here, gone] = [await rows.agent(id), await rows.agent(id, {}, OFFLINE)];
  await presence.come(here);
  t.same(await note([here], false), []);
  t.same(await note([gone], true), []);
  t.ok(await isOnline(here));
  t.notOk(await isOnline(gone));
});

t.test('reports in any order leave what is true', async (t) => {
  const id = await rows.business();
  const agents = await Promise.all(Array.from({ length: 20 }, () => rows.agent(id)));
  const other = openStore(stage.url, { redis });
  t.teardown(() => other.close());
  for (let round = 0; round < 10; round += 1) {
    const here = agents.filter(() => Math.random() < 0.5);
    await presence.go(...agents);
    const went = note(agents, false);
    await presence.come(...here);
    await Promise.all([went, note(here, true, other), note([...agents].reverse(), false, other)]);
    const gone = agents.filter((agent) => !here.includes(agent));
    await note(here, true);
    t.same((await Promise.all(here.map(isOnline))).includes(false), false);
    t.same((await Promise.all(gone.map(isOnline))).includes(true), false);
  }
});

t.test('users who are no agents cost one query, and none are written', async (t) => {
  const id = await rows.business();
  await rest(id);
  const users = Array.from({ length: 1_000 }, () => newId<UserId>());
  t.same(await note(users, true), []);
  t.same(await note(users, false), []);
  t.same(await note([], false), []);
  t.same(await dueOf(id), []);
});

t.test('until edges have told again whom they hold, nobody goes', async (t) => {
  t.teardown(() => presence.live());
  const id = await rows.business();
  const [ann, bob] = [await rows.agent(id), await rows.agent(id, {}, OFFLINE)];
  for (const begin of [() => presence.live(1_000), () => presence.die(), () => redis.flushdb()]) {
    await begin();
    t.same(await note([ann], false), []);
    t.ok(await isOnline(ann));
  }
  t.same(await note([bob], true), [id], 'who is said to have come is believed');
  t.ok(await isOnline(bob));
});

t.test('a store without Redis believes who comes, and not who goes', async (t) => {
  const id = await rows.business();
  const [ann, bob] = [await rows.agent(id), await rows.agent(id, {}, OFFLINE)];
  t.same(await note([ann], false, stage.store), []);
  t.same(await note([bob], true, stage.store), [id]);
});
