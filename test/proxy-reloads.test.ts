import t from 'tap';
import { type EdgeProxy, setProxies, WITHOUT_PROXIES } from '../dev/testing/proxies.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { edgePlaces } from './proxies/proxied-edges.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';
import { upgrade } from './stage/websocket.ts';

/** Operators reload their proxies while people talk. */
const system = await shareStack(t);
const proxies = await setProxies(t, { edges: edgePlaces(system) });

/** 16 groups of 8 people with 8 devices each are 1024 sockets, half of them by each proxy. */
const GROUPS = isSoak ? 64 : 16;
const PEOPLE = 8;
const DEVICES = 8;
/** So many groups open their sockets at once. A person opens one after the other. */
const GROUPS_AT_ONCE = 8;
const RELOADS = isSoak ? 5 : 1;
/** So many sockets are opened while the old workers stop taking any. */
const UPGRADES_AFTER = 20;
/** A group gets a message, and after this time the next one. */
const PACE_MS = 300;

type Group = { conversation: string; clients: Client[]; sent: number };

async function openGroup(ports: readonly number[]): Promise<Group> {
  const people = await system.people(PEOPLE);
  const conversation = await system.conversation(people);
  const clients = await Promise.all(
    people.map(async (person) => {
      const own: Client[] = [];
      for (const n of numbers(1, DEVICES)) {
        const port = ports[n % ports.length] as number;
        own.push(await system.connectNew(person, { port, device: `device-${n}` }));
      }
      return own;
    }),
  );
  return { conversation, clients: clients.flat(), sent: 0 };
}

/** Opens all groups, a few at a time. */
async function openGroups(ports: readonly number[]): Promise<Group[]> {
  const groups: Group[] = [];
  const open = async (): Promise<void> => {
    for (let begun = 0; begun < GROUPS / GROUPS_AT_ONCE; begun += 1) {
      groups.push(await openGroup(ports));
    }
  };
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, open));
  return groups;
}

/** Sends to each group at a steady pace, until the returned function is called and has resolved. */
function talk(groups: readonly Group[]): () => Promise<void> {
  let isEnding = false;
  const talking = groups.map(async (group) => {
    while (!isEnding) {
      const answer = await group.clients[0]?.post(group.conversation, `${group.sent + 1}`);
      if (answer?.type !== 'reply') throw new Error(JSON.stringify(answer));
      group.sent += 1;
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  });
  const all = Promise.all(talking);
  // The end awaits it.
  all.catch((error: unknown) => error);
  return async () => {
    isEnding = true;
    await all;
  };
}

/** Reloads the proxy. Resolves once new workers serve, with the statuses of upgrades meanwhile. */
async function reload(proxy: EdgeProxy): Promise<number[]> {
  const before = proxy.workers();
  const statuses: number[] = [];
  const ask = async (): Promise<void> => {
    const { status, socket } = await upgrade(proxy.port);
    socket.destroy();
    statuses.push(status);
  };
  proxy.reload();
  await until(`new workers of ${proxy.name}`, async () => {
    await ask();
    return proxy.workers().some((pid) => !before.includes(pid));
  });
  for (let n = 0; n < UPGRADES_AFTER; n += 1) await ask();
  return statuses;
}

const skip = proxies === undefined && WITHOUT_PROXIES;
t.test('sockets outlive reloads of their proxy, and miss nothing', { skip }, async (t) => {
  const both = proxies ?? [];
  const first = both.map((proxy) => proxy.workers());
  const groups = await openGroups(both.map(({ port }) => port));
  const clients = groups.flatMap((group) => group.clients);
  t.ok(clients.length >= 1_000, `${clients.length} sockets are open`);
  const stop = talk(groups);
  const statuses: number[] = [];
  for (let n = 0; n < RELOADS; n += 1) {
    for (const proxy of both) statuses.push(...(await reload(proxy)));
  }
  await stop();
  t.same(new Set(statuses), new Set([101]), `all of ${statuses.length} new sockets were taken`);
  await Promise.all(
    groups.flatMap((group) => group.clients.map((client) => client.messages(group.sent))),
  );
  t.same(clients.filter(({ isOpen }) => !isOpen).length, 0, 'no socket was closed');
  const wrong = groups.flatMap(({ clients, sent }) =>
    clients.filter((client) => new Set(seqsOf(client.messageEvents)).size !== sent),
  );
  const sent = groups.reduce((sum, group) => sum + group.sent, 0);
  t.equal(wrong.length, 0, `each device has all of its group's messages, ${sent} in all`);
  for (const [index, proxy] of both.entries()) {
    const kept = (first[index] ?? []).filter((pid) => proxy.workers().includes(pid));
    t.ok(kept.length > 0, `${proxy.name}: workers of before serve their sockets to the end`);
  }
  await Promise.all(clients.map((client) => client.close()));
  await until('the old workers to end', () =>
    both.every((proxy, index) => !proxy.workers().some((pid) => first[index]?.includes(pid))),
  );
});
