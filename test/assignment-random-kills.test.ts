import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { checkBusinesses } from './crowd/check-businesses.ts';
import { Crowd } from './crowd/crowd.ts';
import { HeadWatch } from './crowd/head-watch.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/** While a crowd does as it likes, kill -9 takes services and servers, two at a time. */
const DOSE = isSoak
  ? { routers: 4, businesses: 4, agents: 50, conversations: 2_000, acts: 500, rounds: 40 }
  : { routers: 2, businesses: 2, agents: 8, conversations: 60, acts: 100, rounds: 1 };
const { routers, acts, rounds, ...size } = DOSE;
const system = await setStack(t, { edges: 2, routers, stores: 2, areServersOwn: true });

const VICTIMS = [
  ...numbers(1, routers).map((nth) => `router-${nth}`),
  ...['store-1', 'store-2', 'nats', 'postgres', 'redis'],
];
const KILLED_AT_ONCE = 2;
const AWAY_MS_MAX = 3_000;
/** The protocol promises an assignment within this time of the death of a process. */
const HEALED_MS = 5_000;
const AT_ONCE = 8;

function draw<Item>(items: readonly Item[], count: number): Item[] {
  const left = [...items];
  return numbers(1, count).map(() => {
    return left.splice(Math.floor(Math.random() * left.length), 1)[0] as Item;
  });
}

async function dieAndComeBack(name: string): Promise<void> {
  system.signal(name, 'SIGKILL');
  await delay(Math.random() * AWAY_MS_MAX);
  await system.stack.start(name);
}

t.test('a crowd whose services and servers die breaks no promise', async (t) => {
  const crowd = await Crowd.gather(system, size);
  const watch = new HeadWatch(
    system,
    crowd.staff.desks.map(({ id }) => id),
  );
  const isAllGivenOut = (): Promise<boolean> =>
    watch.heads().then(
      (heads) => heads.length === 0,
      () => false,
    );
  crowd.mayFail = true;
  for (const _ of numbers(1, rounds)) {
    const victims = draw(VICTIMS, KILLED_AT_ONCE);
    const acting = crowd.act(acts, AT_ONCE);
    await Promise.all(victims.map(dieAndComeBack));
    await acting;
    const since = Date.now();
    await until('all is given out', isAllGivenOut);
    const tookMs = Date.now() - since;
    t.ok(tookMs <= HEALED_MS, `all is given out ${tookMs} ms after ${victims.join(' and ')} died`);
  }
  await watch.close();
  await checkBusinesses(t, system, crowd);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
