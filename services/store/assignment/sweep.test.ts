import t from 'tap';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { setStage } from '../stage/store-stage.ts';

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

t.test('a business is swept once in 30 s, by one router', async (t) => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => rows.business()));
  for (const id of ids) await rows.waiting(id);
  t.same(await sweep(), { swept: 0, possible: [] }, 'none is old enough');
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
