import { once } from 'node:events';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { startRedis } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { connectRedis } from '../../../shared/process/redis.ts';
import { openDatabase } from '../database/database.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { PresenceRows } from '../stage/presence-rows.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { AgentPresences } from './agent-presence.ts';
import { PresenceRounds } from './presence-rounds.ts';

const stage = await setStage(t);
const { sql } = stage;
const { db, close } = openDatabase({ url: stage.url, poolMax: 2, logger: silent });
t.teardown(close);
const rows = new BusinessRows(sql);

/** Starts a Redis of its own, in which an edge lives, and a store that makes rounds. */
async function setRounds(t: Test) {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const edge = new Redis(server.url, { maxRetriesPerRequest: null });
  edge.on('error', (error) => void error);
  t.teardown(() => edge.disconnect());
  const presence = new PresenceRows(edge);
  await presence.live();
  const redis = connectRedis(server.url, silent);
  t.teardown(() => redis.disconnect());
  await once(redis, 'ready');
  await sql('truncate business_agents');
  const start = (): void => {
    const presences = new AgentPresences({ redis, logger: silent });
    const rounds = new PresenceRounds({ db, presences, logger: silent });
    t.teardown(() => rounds.close());
  };
  return { server, edge, presence, start, id: await rows.business({ offline_grace_s: 60 }) };
}

/** Makes an agent who has been offline for so many seconds. */
const offlineFor = (id: BusinessId, s: number) =>
  rows.agent(id, {}, { offline_since: `now() - ${s} * interval '1 s'` });

async function offlineForS(user: UserId): Promise<number | null> {
  const [row] = await sql<{ s: number | null }>(
    `select extract(epoch from clock_timestamp() - offline_since)::float8 as s
      from business_agents where user_id = $1`,
    [user],
  );
  return row?.s ?? null;
}

const untilOnline = (user: UserId) =>
  until('the agent has no grace', async () => (await offlineForS(user)) === null, 30_000);
/** Resolves once the row says that the agent is offline, and since when. */
const untilOffline = (user: UserId) =>
  until('the agent is offline', async () => (await offlineForS(user)) ?? undefined, 30_000);

t.test('agents of whom no edge told are found, and their businesses are due', async (t) => {
  const { presence, start, id } = await setRounds(t);
  const [came, went] = [await offlineFor(id, 3_600), await rows.agent(id)];
  await presence.come(came);
  await sql('update business_inboxes set due_at = null');
  start();
  await untilOnline(came);
  t.ok((await untilOffline(went)) < 10, 'the grace begins when it is seen');
  t.same(await sql('select business_id from business_inboxes where due_at <= now()'), [
    { business_id: id },
  ]);
});

t.test('more agents than one page holds are compared, and offline ones are not', async (t) => {
  const { start, id } = await setRounds(t);
  const agents = (status: string, count: number) =>
    sql(
      `insert into business_agents (business_id, user_id, status, offline_since)
        select $1, gen_random_uuid(), $2::agent_status, null from generate_series(1, $3::int)`,
      [id, status, count],
    );
  await agents('available', 900);
  await agents('away', 300);
  await agents('offline', 300);
  start();
  await until('all are compared', async () => {
    const left = await sql<{ status: string; count: number }>(
      `select status, count(*) from business_agents where offline_since is null group by status`,
    );
    return left.length === 1 && left[0]?.status === 'offline' && left[0]?.count === 300;
  });
});

/** Ways in which presence becomes unknown, each with the way back. */
const LOSSES = {
  'Redis is killed': { SIGKILL: true },
  'Redis is frozen': { SIGSTOP: true },
  'Redis is emptied': { flush: true },
  'the last edge dies': { die: true },
} as Record<string, { SIGKILL?: true; SIGSTOP?: true; flush?: true; die?: true }>;

for (const [name, loss] of Object.entries(LOSSES)) {
  t.test(`when ${name}, graces stop, and begin anew when all is known again`, async (t) => {
    const { server, edge, presence, start, id } = await setRounds(t);
    const here = await rows.agent(id);
    await presence.come(here);
    const [gone, lost] = [await offlineFor(id, 40), await offlineFor(id, 3_600)];
    start();
    // The first walk is over once an agent of whom Redis does not know is offline.
    await untilOffline(await rows.agent(id));
    if (loss.SIGKILL) await server.kill();
    if (loss.SIGSTOP) await server.kill('SIGSTOP');
    if (loss.flush) await edge.flushall();
    if (loss.die) await presence.die();
    await untilOnline(gone);
    t.ok(((await offlineForS(lost)) ?? 0) > 3_000, 'whose grace is long over stays unavailable');
    t.equal(await offlineForS(here), null);
    if (loss.SIGKILL) await server.restart();
    if (loss.SIGSTOP) await server.kill('SIGCONT');
    await presence.live(0);
    await presence.come(here);
    t.equal(await offlineForS(gone), null, 'no grace begins before edges have told whom they hold');
    await presence.live();
    t.ok((await untilOffline(gone)) < 10, 'the grace begins anew');
    t.equal(await offlineForS(here), null);
  });
}
