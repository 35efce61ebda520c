import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { askAsService, makeBusiness, untilPresenceIsKnown } from './stage/business.ts';
import type { Frame } from './stage/client.ts';
import { letPass } from './stage/desk.ts';
import { type Person, setStack } from './stage/stack.ts';

const system = await setStack(t, { edges: 3, routers: 1, stores: 2, areServersOwn: true });
const GRACE_S = 30;
const GRACE_LEFT_S = 4;
/** The users of a killed edge are offline this much later at the latest. */
const CLEARED_UP_MS = 25_000;
const SAMPLE_MS = 100;
/** No test kills this edge, and services ask it. */
const SAFE_EDGE = 1;
await untilPresenceIsKnown(system);

async function setAvailable({ token }: Person, id: string): Promise<boolean> {
  const path = `/api/v1/businesses/${id}/availability`;
  const call = { token, body: { status: 'available' }, edge: SAFE_EDGE };
  return (await system.rest('PUT', path, call)).body.is_available === true;
}

/** Makes a business whose agents are available, each with a socket on the edge. */
async function scene(edge: number) {
  const [ann, bob, late, stranger] = await system.people(4);
  const id = await makeBusiness(system, { agents: [ann, bob, late] });
  const settings = { time_zone: 'UTC', offline_grace_s: GRACE_S };
  await askAsService(system, `PUT /businesses/${id}`, settings);
  const clients = await Promise.all([ann, bob].map((one) => system.connectNew(one, { edge })));
  for (const one of [ann, bob]) {
    await until('the agent is available', () => setAvailable(one, id));
  }
  return { id, ann, bob, late, stranger, clients };
}

/** Reads all agents again and again, and notes who was ever unavailable. */
function sample(id: string) {
  const gone = new Set<string>();
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      const { body } = await askAsService(system, `GET /businesses/${id}/agents`);
      const agents = body.agents as { user_id: string; is_available: boolean; status: string }[];
      for (const { user_id, is_available, status } of agents) {
        if (status === 'available' && !is_available) gone.add(user_id);
      }
      await delay(SAMPLE_MS);
    }
  })();
  const stop = async (): Promise<void> => {
    isOver = true;
    await sampling;
  };
  return { gone, stop };
}

async function offlineSinceMs({ id }: Person): Promise<number | undefined> {
  const [row] = await system.sql<{ offline_since: Date | null }>(
    'select offline_since from business_agents where user_id = $1',
    [id],
  );
  return row?.offline_since?.getTime();
}

t.test('agents of a killed edge who come back on another were never unavailable', async (t) => {
  const { id, ann, bob, stranger } = await scene(2);
  const heard: Frame[] = [];
  const onFrame = (frame: Frame): void => {
    if (frame.type === 'presence') heard.push(frame);
  };
  const watcher = await system.connectNew(stranger, { edge: SAFE_EDGE, onFrame });
  const { data } = await watcher.ask({ type: 'presence_watch', business_ids: [id] });
  t.same(data?.presence, [{ business_id: id, status: 'online' }]);
  const samples = sample(id);
  system.stack.kill('edge-2');
  await system.connect(ann, { edge: 3 });
  await until('who stays away is offline', () => offlineSinceMs(bob), CLEARED_UP_MS + 10_000);
  // The soak lets all of the grace pass, and an ordinary run the end of it.
  if (!isSoak) await letPass(system, id, GRACE_S - GRACE_LEFT_S);
  const endsMs = GRACE_S * 1_000 + 10_000;
  await until('who stays away is unavailable', () => samples.gone.has(bob.id), endsMs);
  await samples.stop();
  t.same([...samples.gone], [bob.id]);
  t.same(heard, [], 'the business was online all the time');
  await system.stack.start('edge-2');
});

const LOSSES = {
  killed: {
    lose: async () => system.stack.kill('redis'),
    restore: () => system.stack.start('redis'),
  },
  frozen: {
    lose: async () => system.signal('redis', 'SIGSTOP'),
    restore: async () => system.signal('redis', 'SIGCONT'),
  },
  emptied: {
    lose: async () => {
      const redis = new Redis(system.stack.urls.redis);
      await redis.flushall();
      redis.disconnect();
    },
    restore: async () => undefined,
  },
};

/** Store loses a Redis that answers nothing as it loses a killed one. The soak tries both. */
const tried = Object.entries(LOSSES).filter(([how]) => isSoak || how !== 'frozen');

for (const [how, { lose, restore }] of tried) {
  t.test(`when Redis is ${how}, no agent becomes unavailable by that`, async (t) => {
    const { id, ann, bob, late, clients } = await scene(2);
    const samples = sample(id);
    await clients[1]?.close();
    await until('Bob is offline', () => offlineSinceMs(bob), 20_000);
    await lose();
    await until('no grace runs', async () => (await offlineSinceMs(bob)) === undefined, 15_000);
    const lostMs = Date.now();
    await system.connectNew(late, { edge: 2 });
    await until('who comes now is available', () => setAvailable(late, id));
    await restore();
    const again = await until('Bob is offline', () => offlineSinceMs(bob), 30_000);
    t.ok(again >= lostMs, 'the grace of who is away begins anew');
    await untilPresenceIsKnown(system);
    await samples.stop();
    t.same([...samples.gone], []);
    for (const one of [ann, late]) t.equal(await offlineSinceMs(one), undefined);
  });
}
