import t from 'tap';
import { isSoak } from '../../../dev/testing/test-servers.ts';
import { drawFrom, PushWorld } from './stage/push-world.ts';

const RUNS = isSoak ? 2_000 : 15;
const RUN_MS = 40_000;

for (const restarts of [false, true]) {
  const also = restarts ? ', though the service dies' : '';
  t.test(`each alert is true when it leaves, and no device is left out${also}`, async (t) => {
    let alerts = 0;
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const world = new PushWorld({ draw: drawFrom(seed), restarts, quietHours: seed % 3 === 0 });
      world.play(RUN_MS);
      alerts += world.alerts;
      if (world.problems.length === 0 && world.waiting === 0) continue;
      t.same(world.problems, [], `seed ${seed}: ${world.waiting} messages stay`);
      break;
    }
    t.ok(alerts > RUNS, `${alerts} alerts`);
  });
}
