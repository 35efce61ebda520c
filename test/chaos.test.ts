import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../dev/testing/test-servers.ts';
import { Chance } from './harm/chance.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/**
 * Three processes at once, of services and servers alike, are killed by -9, stopped in order, or
 * frozen. NATS has two threads, because with one it does things in order that it does side by side
 * elsewhere.
 */
const counts = { edges: 2, routers: 2, stores: 2 };
const system = await setStack(t, { ...counts, areServersOwn: true, natsThreads: 2 });
const VICTIMS = [
  ...['edge-1', 'edge-2', 'router-1', 'router-2', 'store-1', 'store-2'],
  ...['nats', 'postgres', 'redis', 'profiles'],
];
const AT_ONCE = 3;
const ROUNDS = roundsWanted ?? (isSoak ? 80 : 2);
const BETWEEN = 15;
const FROZEN_MS_MAX = 8_000;

type Fate = 'killed' | 'stopped' | 'frozen';
const FATES: Fate[] = ['killed', 'stopped', 'frozen'];

const seed = seedWanted ?? Date.now() % 2 ** 31;
const chance = new Chance(seed);

async function meetFate(name: string, fate: Fate, frozenMs: number): Promise<void> {
  if (fate === 'frozen') {
    system.signal(name, 'SIGSTOP');
    await delay(frozenMs);
    system.signal(name, 'SIGCONT');
    return;
  }
  if (fate === 'stopped') await system.stack.stopProcess(name);
  else system.signal(name, 'SIGKILL');
  await system.stack.start(name);
}

for (const round of numbers(1, ROUNDS)) {
  const names = chance.draw(VICTIMS, AT_ONCE);
  const frozenMs = chance.between(0, FROZEN_MS_MAX);
  const fates = names.map((name) => [name, chance.pick(FATES)] as const);
  const story = fates.map(([name, fate]) => `${name} ${fate}`).join(', ');
  t.test(`nothing acknowledged is lost when these fail: ${story} (${seed}/${round})`, async (t) => {
    const traffic = await startTraffic(system, [1, 2]);
    await traffic.progress(BETWEEN);
    await Promise.all(fates.map(([name, fate]) => meetFate(name, fate, frozenMs)));
    await traffic.progress(BETWEEN);
    await traffic.check(t);
  });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
