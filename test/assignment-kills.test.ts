import pg from 'pg';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { untilPresenceIsKnown } from './stage/business.ts';
import { Desk, type Visit } from './stage/desk.ts';
import { numbers } from './stage/numbers.ts';
import { readMetric } from './stage/service-metrics.ts';
import { type Person, setStack } from './stage/stack.ts';

const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
const ROUTERS = ['router-1', 'router-2'];
/** The protocol promises an assignment within this time of the death of a process. */
const HEALED_MS = 5_000;

const finds = (): Promise<number> =>
  readMetric(system, 'kaha_assignment_sweep_finds_total', (name) => ROUTERS.includes(name));

/** Resolves with the routers that have leased a business now. Only one business is at work. */
async function owners(): Promise<string[]> {
  const leased = await Promise.all(
    ROUTERS.map((name) => readMetric(system, 'kaha_assignment_businesses', (one) => one === name)),
  );
  return ROUTERS.filter((_, index) => (leased[index] ?? 0) > 0);
}

/** So many customers wait in a closed business, in which the agent could have them all. */
async function setScene(count: number) {
  const ann = await system.person();
  const desk = await Desk.open(system, { agents: [ann], settings: { hours: {}, capacity: 100 } });
  const visits = await desk.visits(count);
  return { ann, desk, visits };
}

const areHeld = async (desk: Desk, visits: readonly Visit[], by: Person): Promise<boolean> =>
  (await desk.holders(visits)).every((holder) => holder === by.id);

/** Locks a conversation, so that whoever gives it out waits. */
async function hold({ talk }: Visit) {
  const client = new pg.Client({ connectionString: system.stack.urls.database });
  await client.connect();
  await client.query('begin');
  await client.query('select from conversations where conversation_id = $1 for update', [talk.id]);
  return () => client.end();
}

t.test('one router at a time has a business', async (t) => {
  const { ann, desk, visits } = await setScene(40);
  await desk.set({ capacity: 100 });
  const seen: string[][] = [];
  await until('all are given out', async () => {
    seen.push(await owners());
    return areHeld(desk, visits, ann);
  });
  t.equal(Math.max(...seen.map(({ length }) => length)), 1, `${seen.length} looks`);
  const order = (await desk.steps()).filter(({ step }) => step === 'assigned');
  t.same(
    order.map(({ conversation_id }) => conversation_id),
    visits.map(({ talk }) => talk.id),
    'first come, first served',
  );
});

t.test('another router goes on soon after one died in the middle of a business', async (t) => {
  for (const _ of numbers(1, 2)) {
    const { ann, desk, visits } = await setScene(10);
    const release = await hold(visits[4] as Visit);
    await desk.set({ capacity: 100 });
    const owner = await until('a router waits for the lock', async () => {
      const [name] = await owners();
      const [, , , before] = await desk.holders(visits);
      return before === ann.id && name;
    });
    system.stack.kill(owner);
    const since = Date.now();
    await release();
    await until('the other router gives out the rest', () => areHeld(desk, visits, ann));
    const last = (await desk.steps()).at(-1);
    const tookMs = (last?.at.getTime() ?? Number.POSITIVE_INFINITY) - since;
    t.ok(tookMs <= HEALED_MS, `${tookMs} ms after ${owner} died`);
    await system.stack.start(owner);
  }
});

t.test('a router that is stopped in order leaves its business to the other at once', async (t) => {
  const { ann, desk, visits } = await setScene(30);
  await desk.set({ capacity: 100 });
  const owner = await until('a router is at work', async () => (await owners())[0]);
  const stopping = system.stack.stopProcess(owner);
  await until('all are given out', () => areHeld(desk, visits, ann));
  const steps = (await desk.steps()).filter(({ step }) => step === 'assigned');
  const gapsMs = steps.slice(1).map(({ at }, index) => {
    return at.getTime() - (steps[index]?.at.getTime() ?? 0);
  });
  t.ok(Math.max(...gapsMs) < 2_000, `the longest pause was ${Math.max(...gapsMs)} ms`);
  await stopping;
  await system.stack.start(owner);
});

t.test('without Postgres nothing is given out, and soon after it is back all is', async (t) => {
  const { ann, desk, visits } = await setScene(3);
  await desk.set({ capacity: 100 });
  await until('all are given out', () => areHeld(desk, visits, ann));
  const more = await desk.visits(1);
  system.signal('postgres', 'SIGKILL');
  await system.stack.start('postgres');
  const back = Date.now();
  await until('it is given out', () => areHeld(desk, more, ann).catch(() => false));
  t.ok(Date.now() - back <= HEALED_MS, `${Date.now() - back} ms after it was back`);
});

t.test('nobody loses a conversation while Redis is away, and the grace begins anew', async (t) => {
  await untilPresenceIsKnown(system);
  const [ann, bob] = await system.people(2);
  const desk = await Desk.open(system, { agents: [ann, bob] });
  await desk.say(bob, 'away');
  const visit = await desk.visit();
  await desk.untilHeld(visit, ann);
  await desk.say(bob, 'available');
  await desk.go(ann);
  const offlineSince = async (): Promise<Date | null | undefined> => {
    const [row] = await system.sql<{ offline_since: Date | null }>(
      'select offline_since from business_agents where business_id = $1 and user_id = $2',
      [desk.id, ann.id],
    );
    return row?.offline_since;
  };
  const known = await until(
    'Ann is known to be offline',
    async () => (await offlineSince()) ?? false,
  );
  system.signal('redis', 'SIGKILL');
  await until('the grace has ended with Redis', async () => (await offlineSince()) === null);
  await desk.letPass(3_600);
  t.same(await desk.holders([visit]), [ann.id]);
  await system.stack.start('redis');
  const anew = await until(
    'the grace runs again',
    async () => (await offlineSince()) ?? false,
    60_000,
  );
  t.ok(anew > known, 'it has begun anew');
  t.same(await desk.holders([visit]), [ann.id]);
  await desk.letPass(61);
  await desk.untilHeld(visit, bob);
});

t.test('the sweep finds what nobody was told of, and heals it', async (t) => {
  const before = await finds();
  const { ann, desk, visits } = await setScene(2);
  await until('nobody looks at the business any more', async () => {
    const resting = await system.sql(
      `select from business_inboxes
      where business_id = $1 and due_at is null and claimed_until is null`,
      [desk.id],
    );
    return resting.length === 1;
  });
  // Store makes a business due with each change of its settings. This change tells nobody.
  await system.sql('update businesses set hours = null where business_id = $1', [desk.id]);
  await system.sql(
    `update business_inboxes set swept_at = now() - interval '1 min' where business_id = $1`,
    [desk.id],
  );
  await until('all are given out', () => areHeld(desk, visits, ann));
  t.equal((await finds()) - before, visits.length);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
