import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { checkBusinesses } from './crowd/check-businesses.ts';
import { Crowd } from './crowd/crowd.ts';
import { HeadWatch } from './crowd/head-watch.ts';
import { readMetric } from './stage/service-metrics.ts';
import { setStack } from './stage/stack.ts';

/** The full dose is that of the protocol's promises: so many routers, agents and conversations. */
const DOSE = isSoak
  ? { routers: 8, businesses: 4, agents: 50, conversations: 5_000, acts: 40_000, atOnce: 16 }
  : { routers: 2, businesses: 2, agents: 8, conversations: 80, acts: 500, atOnce: 8 };
const { routers, acts, atOnce, ...size } = DOSE;
const system = await setStack(t, { edges: 2, routers, stores: 2 });

/** The protocol promises 1 s on a quiet machine. Other tests may make this one busy. */
const STAY_MS = isSoak ? 1_000 : 10_000;
/** The sweep finds only what has stayed for this long. */
const FOUND_AFTER_MS = 2_000;
const SETTLE_MS = isSoak ? 120_000 : 10_000;

t.test(`a crowd that does ${acts} things at random breaks no promise`, async (t) => {
  const crowd = await Crowd.gather(system, size);
  const watch = new HeadWatch(
    system,
    crowd.staff.desks.map(({ id }) => id),
  );
  await crowd.act(acts, atOnce);
  await until('all is given out', async () => (await watch.heads()).length === 0, SETTLE_MS);
  await watch.close();
  await checkBusinesses(t, system, crowd);
  const stays = watch.stays.sort((one, other) => one - other);
  const longest = stays.at(-1) ?? 0;
  t.ok(longest <= STAY_MS, `nothing that could be given out stayed for longer than ${longest} ms`);
  const isRouter = (name: string): boolean => name.startsWith('router');
  const finds = await readMetric(system, 'kaha_assignment_sweep_finds_total', isRouter);
  t.ok(finds === 0 || longest > FOUND_AFTER_MS, `the sweep finds ${finds}`);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
