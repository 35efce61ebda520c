import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import type { UserId } from '../shared/ids.ts';
import { Chance } from './harm/chance.ts';
import { Round, TIMES } from './presence/round.ts';
import { numbers } from './stage/numbers.ts';

/**
 * Redis loses everything at any moment, and edges are killed. Times are a fifth of the real ones.
 * To repeat a round, set `SEED` to the seed in its name, and `ROUNDS` to 1.
 */
const DOSE = isSoak ? { rounds: 300, steps: 40 } : { rounds: 6, steps: 12 };
const LOOK_MS = 30;
/** The file may take this long, on a busy machine. */
const FILE_MS = 120_000;
const SOAK_MS = 3_600_000;

async function setRound(t: Test, ...numbers: [users?: number, edges?: number]): Promise<Round> {
  const round = await Round.begin(...numbers);
  t.teardown(() => round.close());
  return round;
}

t.jobs = 10;
t.setTimeout(isSoak ? SOAK_MS : FILE_MS);

t.test('a user whose grace ends after Redis lost everything is offline to watchers', async (t) => {
  const round = await setRound(t, 1, 2);
  const [user] = round.users as [UserId];
  round.connect(user, 'edge-1');
  await until('the user is online', () => round.edge('edge-2').heard.get(user) === 'online');
  round.abort(user, 'edge-1');
  await delay(0.8 * TIMES.graceMs);
  await round.lose();
  t.same(await round.truth(), []);
});

t.test('a user who is online is unknown, and never offline, until Redis knows all', async (t) => {
  const round = await setRound(t, 1, 2);
  const [user] = round.users as [UserId];
  round.connect(user, 'edge-1');
  await until('Redis knows all users', async () => (await round.truth()).length === 0);
  const edge = round.edge('edge-2');
  const statuses = new Set<string | undefined>();
  await round.lose();
  do statuses.add((await edge.read([user]))[0]);
  while (!statuses.has('online'));
  t.same([...statuses], ['unknown', 'online']);
});

t.test('a user who left one edge is not called offline while another may hold them', async (t) => {
  const round = await setRound(t, 1, 3);
  const [user] = round.users as [UserId];
  for (const name of ['edge-1', 'edge-2']) round.connect(user, name);
  t.same(await round.truth(), []);
  const { told } = round.edge('edge-3');
  const before = told.length;
  round.abort(user, 'edge-1');
  await delay(0.95 * TIMES.graceMs);
  await round.lose();
  round.edge('edge-1').beat();
  await delay(0.1 * TIMES.graceMs);
  t.same(await round.truth(), []);
  t.notOk(told.slice(before).includes('offline'));
});

t.test('what an edge could not tell before it died is found out', async (t) => {
  const round = await setRound(t, 1, 2);
  const [user] = round.users as [UserId];
  const edge = round.edge('edge-1');
  round.connect(user, 'edge-1');
  t.same(await round.truth(), []);
  edge.mute();
  round.abort(user, 'edge-1');
  await until('Redis is told', async () => (await edge.read([user]))[0] === 'offline');
  round.kill('edge-1');
  t.same(await round.truth(), []);
});

const firstSeed = seedWanted ?? Date.now() % 2 ** 30;
for (const seed of numbers(firstSeed, firstSeed + (roundsWanted ?? DOSE.rounds) - 1)) {
  t.test(`all know who is online soon after whatever happened (${seed})`, async (t) => {
    const chance = new Chance(seed);
    const round = await setRound(t);
    const falsely: string[] = [];
    let isOver = false;
    const looking = (async () => {
      while (!isOver) {
        for (const one of await round.falselyOffline())
          falsely.push(`${round.story.length} ${one}`);
        await delay(LOOK_MS);
      }
    })();
    for (const _ of numbers(1, DOSE.steps)) await round.step(chance);
    const wrong = await round.truth();
    isOver = true;
    await looking;
    t.same(wrong, []);
    t.same(falsely, []);
    if (!t.passing()) for (const line of round.story) t.comment(line);
  });
}
