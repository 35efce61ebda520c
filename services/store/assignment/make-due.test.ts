import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { setShopStage } from '../stage/shop-stage.ts';
import { silent } from '../stage/store-stage.ts';
import { makeDue } from './make-due.ts';

const { url, sql, open, send, inboxOf } = await setShopStage(t);
const { db, close } = openDatabase({ url, poolMax: 1, logger: silent });
t.teardown(close);

t.test('a change is seen that commits after the first message of a business', async (t) => {
  const shop = await open();
  await sql('delete from business_inboxes');
  let sent: Promise<unknown> | undefined;
  await db.transaction().execute(async (tx) => {
    await makeDue(tx, [shop.business_id]);
    sent = send(shop, shop.customer);
    await until('the message waits for the inbox', async () => {
      const waits = await sql(`select from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`);
      return waits.length > 0;
    });
  });
  await sent;
  t.match(await inboxOf(shop), { version: 1, due_at: String });
});

t.test('each business is due once, and one that is due already not later', async (t) => {
  const [due, anew] = [newId<BusinessId>(), newId<BusinessId>()];
  await sql(
    `insert into business_inboxes (business_id, due_at) values ($1, now() - interval '1 hour')`,
    [due],
  );
  await db.transaction().execute((tx) => makeDue(tx, [due, anew, due]));
  const rows = await sql<{ business_id: BusinessId; is_late: boolean }>(
    `select business_id, due_at < now() - interval '59 minutes' as is_late
      from business_inboxes where business_id = any($1) order by due_at`,
    [[due, anew]],
  );
  t.same(rows, [
    { business_id: due, is_late: true },
    { business_id: anew, is_late: false },
  ]);
});
