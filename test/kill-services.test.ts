import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/** Each kind of process dies by kill -9 in the middle of traffic. */
const system = await setStack(t, {
  ...{ edges: 2, routers: 2, stores: 2 },
  env: { edge: { DRAIN_MS: '1000' } },
});
const ROUNDS = isSoak ? 20 : 1;
const BETWEEN = 25;

const VICTIMS: [string, string[]][] = [
  ['an edge', ['edge-1']],
  ['a router', ['router-1']],
  ['a store', ['store-2']],
  ['all routers', ['router-1', 'router-2']],
  ['all stores', ['store-1', 'store-2']],
  ['one of each', ['edge-2', 'router-2', 'store-1']],
];

for (const [what, names] of VICTIMS) {
  t.test(`nothing acknowledged is lost when kill -9 takes ${what}`, async (t) => {
    const traffic = await startTraffic(system, [1, 2]);
    for (const _ of numbers(1, ROUNDS)) {
      await traffic.progress(BETWEEN);
      for (const name of names) system.stack.kill(name);
      // If other processes of the kind are left, they go on alone for a while.
      if (names.length === 1) await traffic.progress(BETWEEN);
      await Promise.all(names.map((name) => system.stack.start(name)));
      await traffic.progress(BETWEEN);
    }
    await traffic.check(t);
    t.same(
      traffic.devices.map(({ resyncs }) => resyncs),
      traffic.devices.map(() => 0),
      'no queue was lost',
    );
  });
}

t.test('a rolling restart of every service loses nothing and is never slow', async (t) => {
  const traffic = await startTraffic(system, [1, 2]);
  for (const name of ['store', 'router', 'edge'].flatMap((kind) => [`${kind}-1`, `${kind}-2`])) {
    await system.stack.stopProcess(name);
    await system.stack.start(name);
    await traffic.progress(BETWEEN);
  }
  await traffic.check(t);
  t.ok(traffic.devices.every(({ resyncs }) => resyncs === 0));
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
