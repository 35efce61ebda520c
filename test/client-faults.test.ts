import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { Chatter } from './chatters/chatter.ts';
import { openPlaces, wrongIn } from './chatters/places.ts';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import { setStack } from './stage/stack.ts';

/** The client of `clients/js` chats while edges and routers are killed and connections are cut. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2 });
const DOSE = isSoak
  ? { clients: 50, harmMs: 120_000, paceMs: 2_000 }
  : { clients: 12, harmMs: 4_000, paceMs: 500 };
/** A killed process is away for so long at most. */
const AWAY_MS_MAX = 1_000;
const BETWEEN_MS_MAX = 2_000;
/** The unacknowledged events of a crashed edge come after 10 s, and leases end after 30 s. */
const SETTLE_MS = 90_000;
const HARMS = ['connections', 'edge-1', 'router-1', 'edge-2', 'router-2'];
/** These are done in each run. */
const FIRST = HARMS.slice(0, 3);

const some = (ms: number): Promise<void> => delay(Math.random() * ms);

/** Cuts all connections, or kills a process and starts it again, until the time is over. */
async function harm(cut: () => void): Promise<number> {
  const endsAt = Date.now() + DOSE.harmMs;
  let count = 0;
  for (; count < FIRST.length || Date.now() < endsAt; count += 1) {
    const what = FIRST[count] ?? (HARMS[Math.floor(Math.random() * HARMS.length)] as string);
    if (what === 'connections') cut();
    else {
      system.stack.kill(what);
      await some(AWAY_MS_MAX);
      await system.stack.start(what);
    }
    await some(BETWEEN_MS_MAX);
  }
  return count;
}

t.test('every client holds exactly what was acknowledged, in order and once', async (t) => {
  const ports = [1, 2].map((edge) => system.edgePort(edge));
  const proxy = await startCuttingProxy(t, ports);
  const people = await system.people(DOSE.clients);
  const chatters = people.map((person) => new Chatter(system, person, { url: proxy.url }));
  t.teardown(() => {
    for (const { chat } of chatters) chat.disconnect();
  });
  const places = await openPlaces(system, chatters);
  await Promise.all(chatters.map((chatter) => chatter.join()));

  const over = new AbortController();
  const writing = chatters.map(async (chatter) => {
    const own = places.filter((place) => place.chatters.includes(chatter));
    const sends: Promise<void>[] = [];
    while (!over.signal.aborted) {
      sends.push((own[sends.length % own.length] as (typeof own)[number]).write(chatter));
      await delay(DOSE.paceMs * (0.5 + Math.random()));
    }
    await Promise.all(sends);
  });
  const harms = await harm(proxy.cut);
  over.abort();
  await Promise.all(writing);
  // What is wrong is told in detail below.
  const isAllTold = () => places.every((place) => place.isAllTold);
  await until('all messages', isAllTold, SETTLE_MS).catch((late: unknown) => late);

  const wrong = await Promise.all(places.map(wrongIn));
  t.same(wrong.flat(), []);
  t.same(
    chatters.flatMap(({ errors }) => errors),
    [],
  );
  const connects = chatters.flatMap(({ states }) => states.filter((one) => one === 'connected'));
  const messages = places.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  t.comment(`${messages} messages, ${harms} harms, ${connects.length} connections`);
  t.ok(connects.length > DOSE.clients, 'the clients have lost connections');
});
