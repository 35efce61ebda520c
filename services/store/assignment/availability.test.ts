import { sql } from 'kysely';
import t from 'tap';
import { openDatabase } from '../database/database.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { isAvailable, isInGrace } from './availability.ts';

const stage = await setStage(t);
const { db, close } = openDatabase({ url: stage.url, poolMax: 1, logger: silent });
t.teardown(close);

/** Asks of an agent of a business with a grace of 60 s. */
async function judge(status: string, offlineForS: number | null) {
  const { rows } = await sql<{ available: boolean; in_grace: boolean | null }>`
    select ${isAvailable} as available, ${isInGrace} as in_grace
      from (values (${status}::agent_status,
        now() - ${offlineForS}::float8 * interval '1 second')) a (status, offline_since),
      (values (60)) b (offline_grace_s)`.execute(db);
  return rows[0];
}

t.test('whoever does not say that they are available is not, online or not', async (t) => {
  for (const status of ['away', 'offline']) {
    for (const since of [null, 10, 100]) t.match(await judge(status, since), { available: false });
  }
});

t.test('whoever is online, or of whom nobody knows, is available, and has no grace', async (t) => {
  t.same(await judge('available', null), { available: true, in_grace: null });
});

t.test('an agent who is offline is available until the grace is over', async (t) => {
  t.same(await judge('available', 0), { available: true, in_grace: true });
  t.same(await judge('available', 58), { available: true, in_grace: true });
  t.same(await judge('available', 60), { available: false, in_grace: false });
  t.same(await judge('available', 5_000_000_000), { available: false, in_grace: false });
});

t.test('an agent who left by a clock that is ahead is available', async (t) => {
  t.same(await judge('available', -3), { available: true, in_grace: true });
});
