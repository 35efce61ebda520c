import t from 'tap';
import { newId } from '../shared/ids.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Frame } from './stage/client.ts';
import { KahaControl } from './stage/kaha-control.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const kaha = new KahaControl(system);
const tag = newId<string>().slice(0, 8);

type Shown = { user_id: string; name: string; avatar_url?: string };
const isSaid = (event: string) => (frame: Frame) =>
  (frame.metadata as { event?: string } | undefined)?.event === event;

/** kaha-main-v3 knows the business and all its people. */
async function setScene() {
  const [customer, manager, ann, bob] = await system.people(4);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann, bob] });
  await kaha.nameBusinesses(new Map([[business, `Momo House ${tag}`]]));
  await kaha.name(
    new Map([
      [customer.id, `Chandra ${tag}`],
      [manager.id, `Maya ${tag}`],
      [ann.id, `Ann ${tag}`],
      [bob.id, `Bob ${tag}`],
    ]),
  );
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'Namaste');
  return { customer, manager, ann, bob, business, talk };
}

t.test('a conversation has the name of the business for all, and each person theirs', async (t) => {
  const { customer, manager, ann, business, talk } = await setScene();
  await talk.assign(ann);
  for (const person of [customer, ann, manager]) {
    const { body } = await talk.get(person);
    t.match(body, { name: `Momo House ${tag}`, avatar_url: `https://example.com/${business}.png` });
    t.same(
      (body.participants as Shown[]).map(({ name }) => name),
      [`Chandra ${tag}`, `Ann ${tag}`, `Momo House ${tag}`],
    );
  }
  const { token } = customer;
  const { body } = await system.rest('GET', '/api/v1/conversations', { token });
  t.match(body.conversations, [
    { name: `Momo House ${tag}`, last_message: { content: `Ann ${tag} took the conversation` } },
  ]);
});

t.test('a business and people whom nobody knows are unknown, and all else works', async (t) => {
  const [customer, ann] = await system.people(2);
  const business = await makeBusiness(system, { agents: [ann] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'Anybody?');
  const { body } = await talk.assign(ann);
  t.match(body, { name: 'Unknown Business', state: 'assigned' });
  t.notOk('avatar_url' in body);
  t.same(
    (body.participants as Shown[]).map(({ name }) => name),
    ['Unknown User', 'Unknown User', 'Unknown Business'],
  );
});

t.test('each step is told in English, in the event and in the history', async (t) => {
  const { customer, manager, ann, bob, talk } = await setScene();
  const phone = await system.connectNew(customer);
  const steps: [() => Promise<unknown>, string, string][] = [
    [() => talk.assign(ann), 'agent_assigned', `Ann ${tag} took the conversation`],
    [
      () => talk.assign(ann, { agent_id: bob.id }),
      'agent_assigned',
      `Ann ${tag} handed the conversation on to Bob ${tag}`,
    ],
    [() => talk.close(bob), 'conversation_closed', `Bob ${tag} closed the conversation`],
    [() => talk.reopen(manager), 'conversation_reopened', `Maya ${tag} reopened the conversation`],
    [
      () => talk.assign(manager, { agent_id: ann.id }),
      'agent_assigned',
      `Maya ${tag} gave the conversation to Ann ${tag}`,
    ],
  ];
  for (const [step, event, content] of steps) {
    await step();
    t.match(await phone.next(isSaid(event)), { message_type: 'system', content });
    t.match((await talk.history(customer)).at(-1), { content, message_type: 'system' });
    t.match((await talk.get(customer)).body.last_message, { content });
  }
});

t.test(
  'the business itself is the sender of what it gives out, and of no other step',
  async (t) => {
    const { ann, business } = await setScene();
    const a = await system.connectNew(ann);
    await a.ask({ type: 'availability', business_id: business, status: 'available' });
    const customer = await system.person();
    await kaha.name(new Map([[customer.id, `Dawa ${tag}`]]));
    const talk = await BusinessConversation.open(system, customer, business);
    await talk.say(customer, 'Is somebody there?');
    const isOurs = (frame: Frame) =>
      isSaid('agent_assigned')(frame) && frame.conversation_id === talk.id;
    const content = `Momo House ${tag} gave the conversation to Ann ${tag}`;
    const said = {
      ...{ sender_id: business, message_type: 'system', content },
      metadata: { event: 'agent_assigned', user_id: ann.id, reason: 'auto' },
    };
    t.match(await a.next(isOurs), said);
    const history = await talk.history(customer);
    t.match(history.at(-1), said);
    t.match((await talk.get(customer)).body.last_message, { content, sender_id: business });
    const quoting = {
      client_msg_id: newId<string>(),
      content: 'Good',
      reply_to: history.at(-1)?.message_id,
    };
    t.equal((await talk.ask(customer, 'POST /messages', quoting)).status, 201);
    t.match((await talk.history(ann)).at(-1)?.reply_to, { content, sender_id: business });
    await talk.close(ann);
    t.match((await talk.history(customer)).at(-1), { sender_id: ann.id });
  },
);

t.test('a business that changed is told to its customers, and to agents who talk', async (t) => {
  const { customer, ann, bob, business, talk } = await setScene();
  await talk.assign(ann);
  const [phone, a, b] = await Promise.all([
    system.connectNew(customer),
    system.connectNew(ann, { edge: 2 }),
    system.connectNew(bob),
  ]);
  await kaha.nameBusinesses(new Map([[business, `Kaha Cafe ${tag}`]]));
  await kaha.businessUpdated(business);
  for (const client of [phone, a]) {
    t.match(await client.next('profile_updated'), { business_id: business });
  }
  for (const person of [customer, ann]) {
    t.match((await talk.get(person)).body, { name: `Kaha Cafe ${tag}` });
  }
  await b.settled();
  t.notOk(b.received.some(({ type }) => type === 'profile_updated'));
});

t.test('a changed agent is told to their customer, and a customer to the agent', async (t) => {
  const { customer, ann, talk } = await setScene();
  await talk.assign(ann);
  const phone = await system.connectNew(customer);
  const a = await system.connectNew(ann, { edge: 2 });
  const isOf = (person: Person) => (frame: Frame) =>
    frame.type === 'profile_updated' && frame.user_id === person.id;
  await kaha.name(new Map([[ann.id, `Anna ${tag}`]]));
  await kaha.updated(ann.id);
  await phone.next(isOf(ann));
  const { body } = await talk.get(customer);
  t.ok((body.participants as Shown[]).some(({ name }) => name === `Anna ${tag}`));
  t.match((await talk.history(customer)).at(-1), {
    content: `Anna ${tag} took the conversation`,
  });
  await kaha.updated(customer.id);
  await a.next(isOf(customer));
});

t.test('no log has a name of a person or a business', async (t) => {
  t.same(system.leaks(), []);
});
