import t from 'tap';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { AgentPresences } from './agent-presence.ts';
import { sweepBusinesses } from './sweep.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
const rows = new BusinessRows(sql);
const IDLE_MS = 30_000;

const sweep = (at = store, limit = 50) =>
  at.operations['assignment.sweep']({ limit, idle_ms: IDLE_MS }, 0);
const finds = async (possible: PossibleStep[]) =>
  (await store.operations['assignment.finds']({ possible }, 0)).finds;
const grow = (id: BusinessId) =>
  sql(`update business_inboxes set swept_at = now() - interval '31 s' where business_id = $1`, [
    id,
  ]);

const { db, close } = openDatabase({ url: stage.url, poolMax: 2, logger: silent });
t.teardown(close);
const presences = new AgentPresences({ redis: undefined, logger: silent });
/** This sweep has no time but for one business. */
const brief = () =>
  sweepBusinesses({ db, presences, logger: silent, sweepMs: 0 }, { limit: 50, idle_ms: IDLE_MS });
/** Keeps what the statement locks while `work` runs. */
async function whileLocked<Value>(statement: string, values: unknown[], work: () => Value) {
  const client = await store.pool.connect();
  await client.query('begin');
  await client.query(statement, values);
  try {
    return await work();
  } finally {
    await client.query('rollback');
    client.release();
  }
}

t.test('a business is swept once in 30 s, by one router', async (t) => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => rows.business()));
  for (const id of ids) await rows.waiting(id);
  t.same(await sweep(), { swept: 0, has_more: false, possible: [] }, 'none is old enough');
  for (const id of ids) await grow(id);
  await grow(await rows.business());
  const swept = await Promise.all([sweep(store, 5), sweep(other, 5), sweep(store, 5)]);
  const counts = swept.map((one) => one.swept).sort();
  const rest = await sweep();
  t.equal(
    counts.reduce((sum, count) => sum + count, rest.swept),
    12,
    'the idle one is left out',
  );
  t.match(await sweep(), { swept: 0 });
});

t.test('an idle inbox is passed over until a router has to look at it', async (t) => {
  const id = await rows.business();
  const isPassedOver = async (minutes: number) => {
    const passed = await sql(
      `select from business_inboxes
      where business_id = $1 and swept_at > now() + $2 * interval '1 min'`,
      [id, minutes],
    );
    return passed.length === 1;
  };
  await grow(id);
  t.match(await sweep(), { swept: 0, has_more: false });
  t.ok(await isPassedOver(4), 'it is for 5 min less the 30 s');
  t.notOk(await isPassedOver(5));
  await sql('update business_inboxes set due_at = case when business_id = $1 then now() end', [id]);
  await store.operations['assignment.claim']({ limit: 1, lease_ms: 60_000 }, 0);
  t.notOk(await isPassedOver(0));
});

t.test('an inbox of which no business is registered is passed over', async (t) => {
  const id = await rows.business();
  await rows.waiting(id);
  await sql('delete from businesses where business_id = $1', [id]);
  await grow(id);
  t.match(await sweep(), { swept: 0, has_more: false });
});

t.test('open inboxes are found among however many idle ones', async (t) => {
  await sql(`insert into business_inboxes (business_id, swept_at)
    select gen_random_uuid(), now() - interval '1 hour' from generate_series(1, 250)`);
  const id = await rows.business();
  await rows.waiting(id);
  await grow(id);
  t.match(await sweep(), { swept: 0, has_more: true });
  t.match(await sweep(), { swept: 0, has_more: true });
  t.match(await sweep(), { swept: 1, has_more: false });
});

t.test('a sweep stops after a while, and says that more are left', async (t) => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => rows.business()));
  for (const id of ids) {
    await rows.waiting(id);
    await grow(id);
  }
  t.match(await brief(), { swept: 1, has_more: true });
  t.match(await sweep(store, 1), { swept: 1, has_more: true }, 'it stops at its limit as well');
  t.match(await brief(), { swept: 1, has_more: false });
});

t.test('what is found is told, though another business cannot be looked at', async (t) => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => rows.business()));
  for (const id of ids) {
    await rows.waiting(id);
    await rows.agent(id);
  }
  const [first, broken, last] = ids as [BusinessId, BusinessId, BusinessId];
  const zone = (id: BusinessId, name: string) =>
    sql('update businesses set time_zone = $2 where business_id = $1', [id, name]);
  await zone(broken, 'Nowhere/Land');
  for (const id of ids) await grow(id);
  const { swept, possible } = await sweep();
  t.equal(swept, 3);
  t.same(possible.map(({ business_id }) => business_id).sort(), [first, last].sort());
  await zone(first, 'Nowhere/Land');
  t.equal(await finds(possible), 1);
  await zone(broken, 'Etc/UTC');
  await grow(broken);
  t.equal((await sweep()).possible.length, 1, 'its turn comes again');
});

t.test(
  'a business whose inbox is locked, or that cannot be read in time, holds up none',
  async (t) => {
    const ids = await Promise.all(Array.from({ length: 2 }, () => rows.business()));
    for (const id of ids) {
      await rows.waiting(id);
      await rows.agent(id);
      await grow(id);
    }
    const [held] = ids as [BusinessId];
    const lockInbox = 'select from business_inboxes where business_id = $1 for update';
    const { swept, possible } = await whileLocked(lockInbox, [held], () => sweep(other));
    t.equal(swept, 1);
    t.equal(possible.length, 1);
    const lockAgents = 'lock table business_agents';
    t.same(await whileLocked(lockAgents, [], brief), { swept: 1, has_more: false, possible: [] });
    await grow(held);
    t.match(await brief(), { swept: 1, possible: [{ business_id: held }] });
  },
);

t.test('what stays possible is found, and makes the business due', async (t) => {
  const id = await rows.business();
  await sql('update business_inboxes set due_at = null where business_id = $1', [id]);
  const { conversation_id } = await rows.waiting(id);
  await rows.agent(id);
  await grow(id);
  const { swept, possible } = await sweep();
  t.equal(swept, 1);
  t.same(possible, [{ business_id: id, conversation_id, version: 1 }]);
  t.equal(await finds(possible), 1);
  const [inbox] = await sql<{ due_at: string | null }>(
    'select due_at from business_inboxes where business_id = $1',
    [id],
  );
  t.ok(inbox?.due_at);
});

t.test('what was done meanwhile, or is possible anew, is no find', async (t) => {
  const id = await rows.business();
  const { conversation_id } = await rows.waiting(id);
  await rows.agent(id);
  await grow(id);
  const { possible } = await sweep();
  t.equal(possible.length, 1);
  await sql('update conversations set version = version + 1 where conversation_id = $1', [
    conversation_id,
  ]);
  t.equal(await finds(possible), 0);
  await sql('delete from business_agents where business_id = $1', [id]);
  await grow(id);
  t.same((await sweep()).possible, [], 'nobody is there');
  t.equal(await finds([]), 0);
});
