import t from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../dev/testing/test-servers.ts';
import { DeviceQueues } from './device-streams/device-queues.ts';
import { Faults } from './device-streams/faults.ts';
import { EDGES, type FaultKind, planOf, ROUTERS } from './device-streams/plan.ts';
import { LAST_MS_MAX, Round } from './device-streams/round.ts';
import { orderBreaksOf, traceOf, wrongsOf } from './device-streams/verdict.ts';
import { Chance } from './harm/chance.ts';
import { startNatsLinks } from './harm/nats-links.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { connectAsRouter } from './stage/store-bus.ts';

/**
 * People and their devices act at random, and faults happen to the system. Each device must get
 * each durable event that it is owed. Rounds with odd seeds have no faults. To repeat a round, set
 * `SEED` to the seed in its name, and `ROUNDS` to 1.
 */
const KINDS: FaultKind[] = ['cut', 'freeze', 'kill', 'drain', 'owe', 'lose'];
const DOSE = isSoak
  ? { rounds: 60, people: 12, activeMs: 15_000, faultsMax: 8 }
  : { rounds: 1, people: 4, activeMs: 3_000, faultsMax: 3 };

const links = await startNatsLinks(t, [...EDGES, ...ROUTERS]);
const { natsUrlFor } = links;
const counts = { edges: EDGES.length, routers: ROUTERS.length, stores: 1 };
const system = await setStack(t, { ...counts, natsThreads: 2, natsUrlFor });
const bus = await connectAsRouter(system);
const queues = await DeviceQueues.open(system);
t.teardown(() => Promise.all([bus.close(), queues.close()]));

const faults = new Faults({ system, links, bus, queues });
const firstSeed = seedWanted ?? 2 * (Date.now() % 2 ** 30);
const seeds = numbers(firstSeed, firstSeed + (roundsWanted ?? DOSE.rounds) - 1);
const isCalm = (seed: number): boolean => seed % 2 === 1;

// Calm rounds come first, because the last round's faults may still have an effect.
for (const seed of [...seeds.filter(isCalm), ...seeds.filter((seed) => !isCalm(seed))]) {
  const chance = new Chance(seed);
  const { people, activeMs, faultsMax } = DOSE;
  const harms = isCalm(seed) ? 0 : chance.between(1, faultsMax + 1);
  const plan = planOf(chance, { people, activeMs, faults: harms, kinds: KINDS });
  const story = plan.faults.map((one) =>
    'process' in one ? `${one.kind} ${one.process}` : one.kind,
  );
  t.test(
    `every device gets what it is owed: ${story.join(', ') || 'calm'} (${seed})`,
    async (t) => {
      const round = await Round.begin({ system, faults, queues, chance }, plan);
      t.teardown(() => round.end());
      await round.act();
      const left = await round.rest();
      if (isSoak) await round.live();
      const tookMs = await round.last();
      const leftAfterwards = left.length === 0 ? await round.rest() : [];
      const record = await round.record();
      const wrongs = [...left, ...leftAfterwards, ...(await round.lost()), ...wrongsOf(record)];
      t.same(wrongs, []);
      t.ok(Math.max(...tookMs) <= LAST_MS_MAX, `the last messages took ${tookMs} ms`);
      for (const { text, cause } of orderBreaksOf(record)) t.comment(`${cause}: ${text}`);
      for (const line of traceOf(record, wrongs)) t.comment(line);
    },
  );
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
