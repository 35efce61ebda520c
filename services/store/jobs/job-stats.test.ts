import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { erase } from '../stage/job-runner.ts';
import { setStage, silent } from '../stage/store-stage.ts';
import { watchJobs } from './job-stats.ts';

const { store, sql } = await setStage(t);

t.test('jobs that are not done are counted, and those that have failed apart', async (t) => {
  const ids = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  for (const user_id of ids) await store.operations['users.erase']({ user_id, service: 't' }, 0);
  await sql(`update jobs set state = 'failed' where subject = $1`, [ids[0]]);
  await erase(ids[1] as UserId, { store, sql });
  const watch = watchJobs({ pool: store.pool, metrics: store.metrics, logger: silent });
  t.teardown(() => watch.close());
  await until('both are counted', async () => {
    const text = await store.metrics.registry.metrics();
    const of = (name: string): string | undefined =>
      new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1];
    return of('kaha_jobs_running') === '1' && of('kaha_jobs_failed') === '1';
  });
});
