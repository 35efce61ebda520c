import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/**
 * Three processes at once, of services and servers alike, are killed by -9, stopped in order, or
 * frozen.
 */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
const VICTIMS = [
  ...['edge-1', 'edge-2', 'router-1', 'router-2', 'store-1', 'store-2'],
  ...['nats', 'postgres', 'redis', 'profiles'],
];
const AT_ONCE = 3;
const ROUNDS = isSoak ? 40 : 2;
const BETWEEN = 15;
const FROZEN_MS_MAX = 8_000;

type Fate = 'killed' | 'stopped' | 'frozen';
const FATES: Fate[] = ['killed', 'stopped', 'frozen'];

/** This is Mulberry32, so the same seed brings the same fates again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seed = Date.now() % 2 ** 31;
const random = randomOf(seed);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

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
  const names = new Set<string>();
  while (names.size < AT_ONCE) names.add(pick(VICTIMS));
  const frozenMs = Math.floor(random() * FROZEN_MS_MAX);
  const fates = [...names].map((name) => [name, pick(FATES)] as const);
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
