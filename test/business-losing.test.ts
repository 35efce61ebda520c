import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
// These tests wait for the same time, and each has its own people.
t.jobs = 2;

/** An edge tells of a user whose last socket closed 5 s later. */
const TOLD_MS = 12_000;
const isPresence =
  ({ id }: Person, status: string) =>
  (frame: Frame): boolean =>
    frame.type === 'presence' && frame.user_id === id && frame.status === status;

async function statusOf(client: Client, { id }: Person): Promise<string | undefined> {
  const { data } = await client.ask({ type: 'presence_watch', user_ids: [id] });
  const [entry] = (data?.presence ?? []) as { status: string }[];
  return entry?.status;
}

const online = (client: Client, other: Person) =>
  until('the other is online', async () => (await statusOf(client, other)) === 'online');

/** Ann has the conversation, and she and the customer watch each other. Zoe is a friend of both. */
async function setScene() {
  const [customer, ann, bob, zoe] = await system.people(4);
  const business = await makeBusiness(system, { agents: [ann, bob] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'hello');
  await talk.assign(ann);
  await system.conversation([customer, zoe]);
  await system.conversation([ann, zoe]);
  const phone = await system.connectNew(customer, { edge: 1 });
  const a = await system.connectNew(ann, { edge: 2 });
  const z = await system.connectNew(zoe, { edge: 2 });
  for (const [client, other] of [
    [phone, ann],
    [phone, zoe],
    [a, customer],
    [a, zoe],
  ] as const) {
    await online(client, other);
  }
  return { customer, ann, bob, zoe, talk, phone, a, z };
}

t.test('a customer hears no more of an agent who gave the conversation back', async (t) => {
  const { customer, ann, zoe, talk, phone, a, z } = await setScene();
  await talk.release(ann);
  await until('the agent sees nobody', async () => (await statusOf(a, customer)) === 'unknown');
  // The edge is told of the release, though the customer is not. Then the agent leaves it, and a
  // friend does so afterwards, of whom the customer still hears.
  await a.close();
  await z.close();
  await phone.next(isPresence(zoe, 'offline'), TOLD_MS);
  await phone.settled();
  t.notOk(phone.received.some(isPresence(ann, 'offline')));
  t.equal(await statusOf(phone, ann), 'unknown');
});

t.test('an agent hears no more of a customer whose conversation another has', async (t) => {
  const { customer, ann, bob, zoe, talk, phone, a, z } = await setScene();
  const b = await system.connectNew(bob);
  await talk.assign(ann, { agent_id: bob.id });
  await until('Ann sees nobody', async () => (await statusOf(a, customer)) === 'unknown');
  await online(b, customer);
  await phone.close();
  await z.close();
  await b.next(isPresence(customer, 'offline'), TOLD_MS);
  await a.next(isPresence(zoe, 'offline'), TOLD_MS);
  t.notOk(a.received.some(isPresence(customer, 'offline')));
});
