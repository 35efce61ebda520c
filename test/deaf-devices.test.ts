import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { forEachBounded } from '../shared/concurrency/for-each-bounded.ts';
import { DeviceQueues } from './device-streams/device-queues.ts';
import { startNatsLinks } from './harm/nats-links.ts';
import type { Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

/** Sessions lose their queues while their edge hears of nothing. */
const links = await startNatsLinks(t, ['edge-2']);
const { natsUrlFor } = links;
const system = await setStack(t, { edges: 2, routers: 2, stores: 1, natsThreads: 2, natsUrlFor });
/**
 * An edge asks for its queues within 5 s after the reconnect, and asks again where a busy router
 * did not answer. The next pass over all sessions begins 30 s later at the earliest.
 */
const TOLD_MS = 29_000;
const REPLACED = 4505;
const AT_ONCE = 16;
const DEVICES = isSoak ? 10_000 : 120;
/** The edge makes 200 queues a second anew. */
const HEALED_MS = TOLD_MS + (DEVICES / 200) * 2_000;

const queues = await DeviceQueues.open(system);
t.teardown(() => queues.close());
async function loseQueue(person: Person): Promise<void> {
  if (!(await queues.lose({ person, deviceId: 'phone' }))) throw new Error('there is no queue');
}

/** Resolves once the client's edge has noticed that it is without NATS. */
function untilCut(client: Client, conversation: string): Promise<unknown> {
  return until('the edge is without NATS', async () => {
    const frame = { type: 'typing', conversation_id: conversation, is_typing: false };
    const { error } = await client.ask(frame);
    return error?.code === 'MESSAGING_UNAVAILABLE';
  });
}

/** Returns what became of the questions of the edge, and what routers answered. */
async function checksOf(edge: string): Promise<string> {
  const processes = system.stack.processes.filter(
    ({ name, service }) => name === edge || service === 'router',
  );
  const texts = await Promise.all(
    processes.map(async ({ admin_port }) => {
      return (await fetch(`http://127.0.0.1:${admin_port}/metrics`)).text();
    }),
  );
  return texts.flatMap((text) => text.match(/^kaha_\w*queue.*$/gm) ?? []).join('\n');
}

t.test('a device is told of a queue that was lost while its edge was cut off', async (t) => {
  const [ann, bob, cat, dan] = await system.people(4);
  const conversation = await system.conversation([ann, bob, cat]);
  const a = await system.connectNew(ann);
  const [b, c, d] = [
    await system.connectNew(bob, { edge: 2 }),
    await system.connectNew(cat, { edge: 2 }),
    await system.connectNew(dan, { edge: 2 }),
  ];
  links.cut('edge-2');
  await untilCut(b, conversation);
  await loseQueue(bob);
  await a.post(conversation, 'while the edge is cut off');
  // Nobody answers for Cat's phone, so the tenth other device takes its place.
  const others: Client[] = [];
  for (const n of numbers(1, 10)) {
    others.push(await system.connectNew(cat, { device: `other-${n}` }));
  }
  await others[0]?.close();
  const elsewhere = await system.connect(dan, { edge: 1 });
  links.mend('edge-2');
  await Promise.all([b, c].map((client) => client.next('resync', TOLD_MS)));
  await Promise.all([b, c].map((client) => client.next('replay_end')));
  await until('the session that was replaced meanwhile ends', () => !d.isOpen, TOLD_MS);
  t.match(await d.closed, { code: REPLACED });
  t.ok(elsewhere.isOpen, 'the newer one stays');
  await a.post(conversation, 'after');
  for (const client of [b, c]) {
    const event = await client.next(({ content }) => content === 'after');
    t.type(event.q, 'number');
    t.ok(client.isOpen, 'the socket stayed open');
  }
  // Another device of Cat has had the message, so nothing is replayed to her phone.
  const contents = b.messageEvents.map(({ content }) => content);
  t.ok(contents.includes('while the edge is cut off'));
  await Promise.all([a, b, c, elsewhere, ...others].map((client) => client.close()));
});

t.test('a device that is signed out while its edge is cut off is closed 4503 then', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const phone = await system.connectNew(ann, { edge: 2 });
  links.cut('edge-2');
  await untilCut(phone, conversation);
  const { status } = await system.rest('DELETE', '/api/v1/devices/phone', { token: ann.token });
  t.equal(status, 204);
  links.mend('edge-2');
  t.match(await phone.closed, { code: 4503 });
  t.notOk(await queues.lose({ person: ann, deviceId: 'phone' }), 'it has no queue');
});

t.test('all devices of an edge are told if all their queues are lost', async (t) => {
  t.setTimeout(HEALED_MS + 120_000);
  const people = await system.people(DEVICES);
  const [zoe] = await system.people(1);
  const clients = new Map<Person, Client>();
  await forEachBounded(people, AT_ONCE, async (person) => {
    clients.set(person, await system.connectNew(person, { edge: 2 }));
  });
  const [ann] = people as [Person, ...Person[]];
  const conversation = await system.conversation([ann, zoe]);
  links.cut('edge-2');
  await untilCut(clients.get(ann) as Client, conversation);
  await forEachBounded(people, AT_ONCE, (person) => loseQueue(person));
  links.mend('edge-2');
  const untold: number[] = [];
  const told = [...clients.values()].map((client, index) =>
    client.next('resync', HEALED_MS).catch(() => untold.push(index)),
  );
  await Promise.all(told);
  if (untold.length > 0) throw new Error(`untold: ${untold}\n${await checksOf('edge-2')}`);
  await forEachBounded(people, AT_ONCE, async (person) => {
    const client = clients.get(person) as Client;
    await client.next('replay_end');
    await system.conversation([person, await system.person()]);
    await client.next('conversation');
    if (!client.isOpen) throw new Error('the socket did not stay open');
  });
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
