import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { openDatabase } from '../database/database.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { watchAssignment } from './assignment-stats.ts';

const { url, sql } = await setStage(t);
const { db, close } = openDatabase({ url, poolMax: 1, logger: silent });
t.teardown(close);

t.test('what waits for a business that nobody has made does not count', async (t) => {
  const rows = new BusinessRows(sql);
  await rows.waiting(newId<BusinessId>(), `now() - interval '1 day'`);
  const id = await rows.business();
  await rows.agent(id);
  await rows.waiting(id, `now() - interval '1 min'`);
  await rows.waiting(id);
  const metrics = createMetrics('store', 'store-1');
  const watch = watchAssignment({ db, metrics, logger: silent });
  t.teardown(() => watch.close());
  const value = async (name: string) =>
    Number(new RegExp(`^${name}\\{.*\\} (.*)$`, 'm').exec(await metrics.registry.metrics())?.[1]);
  await until('the rows are read', async () => (await value('kaha_business_waiting')) > 0);
  t.equal(await value('kaha_business_waiting'), 2);
  const longest = await value('kaha_business_longest_wait_seconds');
  t.ok(longest >= 60 && longest < 120, `${longest} s`);
  t.equal(await value('kaha_business_agents_available'), 1);
});
