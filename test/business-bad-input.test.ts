import t from 'tap';
import { newId } from '../shared/ids.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);

async function setScene() {
  const [customer, manager, ann] = await system.people(3);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'hello');
  return { customer, manager, ann, business, talk };
}

t.test('a conversation is not made with what is no business', async (t) => {
  const { token, id } = await system.person();
  const other = newId<string>();
  const bodies: object[] = [
    { type: 'business' },
    { type: 'business', business_id: 'x' },
    { type: 'business', business_id: newId<string>().toUpperCase() },
    { type: 'business', business_id: '00000000-0000-0000-0000-000000000000' },
    { type: 'business', business_id: id },
    { type: 'business', business_id: other, participant_ids: [newId<string>()] },
    { type: 'business', business_id: other, title: 'VIP' },
    { type: 'group', business_id: other, participant_ids: [newId<string>()] },
  ];
  const client = await system.connectNew({ token, id });
  for (const body of bodies) {
    const answer = await system.rest('POST', '/api/v1/conversations', { token, body });
    t.equal(codeOf(answer), 'INVALID_REQUEST', JSON.stringify(body));
    const { error } = await client.ask({ type: 'create_conversation', conversation: body });
    t.equal(error?.code, 'INVALID_REQUEST', JSON.stringify(body));
  }
});

t.test('a malformed step is refused, and none of it is carried out', async (t) => {
  const { manager, talk } = await setScene();
  const client = await system.connectNew(manager);
  const at = { conversation_id: talk.id };
  const frames: object[] = [
    { type: 'assign' },
    { type: 'assign', conversation_id: 'x' },
    { type: 'assign', ...at, agent_id: 7 },
    { type: 'assign', ...at, agent_id: 'Ann' },
    { type: 'assign', ...at, agent_id: null },
    { type: 'assign', ...at, force: 'yes' },
    { type: 'assign', ...at, reason: 'auto' },
    { type: 'release', ...at, agent_id: manager.id },
    { type: 'close' },
  ];
  for (const frame of frames) {
    const { error } = await client.ask(frame as Record<string, unknown>);
    t.equal(error?.code, 'INVALID_REQUEST', JSON.stringify(frame));
  }
  const bodies: [string, unknown][] = [
    ['PUT /state', {}],
    ['PUT /state', { state: 'assigned' }],
    ['PUT /state', { state: 'open' }],
    ['PUT /state', { state: ['closed'] }],
    ['PUT /state', { state: 'closed', force: true }],
    ['PUT /state', 'null'],
    ['PUT /assignee', { agent_id: '' }],
    ['PUT /assignee', { agent_id: newId<string>(), state: 'closed' }],
    ['PUT /assignee', []],
  ];
  for (const [what, body] of bodies) {
    const answer = await talk.ask(manager, what, body);
    t.equal(codeOf(answer), 'INVALID_REQUEST', `${what} ${JSON.stringify(body)}`);
  }
  for (const what of ['POST /assignee', 'GET /state', 'DELETE /state', 'PATCH /assignee']) {
    const answer = await talk.ask(manager, what);
    t.same([answer.status, codeOf(answer)], [405, 'INVALID_REQUEST'], what);
  }
  t.match((await talk.get(manager)).body, { state: 'waiting', last_seq: 1 });
});

t.test('a step of what is no conversation of a business is refused', async (t) => {
  const [one, other] = await system.people(2);
  const nowhere = new BusinessConversation(system, newId<string>());
  const direct = new BusinessConversation(system, await system.conversation([one, other]));
  const steps = (talk: BusinessConversation) => [
    talk.assign(one),
    talk.assign(one, { agent_id: other.id }),
    talk.release(one),
    talk.close(one),
    talk.reopen(one),
  ];
  for (const answer of await Promise.all(steps(nowhere))) {
    t.same([answer.status, codeOf(answer)], [404, 'CONVERSATION_NOT_FOUND']);
  }
  for (const answer of await Promise.all(steps(direct))) t.equal(codeOf(answer), 'FORBIDDEN');
});

t.test('nobody but an agent is assigned, and never the customer', async (t) => {
  const { customer, manager, ann, business, talk } = await setScene();
  const give = (id: string, more = {}) => talk.assign(manager, { agent_id: id, ...more });
  for (const id of [newId<string>(), business, customer.id]) {
    t.equal(codeOf(await give(id)), 'INVALID_REQUEST');
    t.equal(codeOf(await give(id, { force: true })), 'INVALID_REQUEST');
  }
  // The customer becomes an agent of the business while they wait.
  const agents = `/api/v1/businesses/${business}/agents`;
  const { token } = manager;
  const joined = await system.rest('PUT', `${agents}/${customer.id}`, { token, body: {} });
  t.equal(codeOf(joined), 'ok');
  t.equal(codeOf(await give(customer.id)), 'INVALID_REQUEST');
  t.equal(codeOf(await talk.assign(customer)), 'FORBIDDEN', 'nobody answers themselves');
  t.match((await talk.get(customer)).body, { state: 'waiting', unread: 0 }, 'they stay customer');
  t.equal(codeOf(await talk.assign(ann)), 'ok');
  t.equal(codeOf(await talk.assign(ann, { agent_id: customer.id })), 'INVALID_REQUEST');
  // An agent of whom nobody knows anything else is one all the same.
  const unseen = newId<string>();
  await system.rest('PUT', `${agents}/${unseen}`, { token, body: {} });
  t.match((await give(unseen)).body, { assignee_id: unseen });
  await system.rest('DELETE', `${agents}/${unseen}`, { token });
  t.equal(codeOf(await give(unseen)), 'INVALID_REQUEST');
});

t.test('a manager who is the customer is that alone, and another has to help', async (t) => {
  const [manager, other, ann] = await system.people(3);
  const business = await makeBusiness(system, { managers: [manager, other], agents: [ann] });
  const talk = await BusinessConversation.open(system, manager, business);
  t.equal((await talk.say(manager, 'A test')).status, 201);
  const steps = [
    talk.assign(manager),
    talk.assign(manager, { agent_id: ann.id }),
    talk.release(manager),
    talk.close(manager),
    talk.reopen(manager),
  ];
  for (const answer of await Promise.all(steps)) t.equal(codeOf(answer), 'FORBIDDEN');
  t.match((await talk.assign(other, { agent_id: ann.id })).body, { assignee_id: ann.id });
  t.equal((await talk.say(ann, 'It works')).status, 201);
  t.match((await talk.get(manager)).body, { unread: 2, state: 'assigned' });
  t.match((await talk.close(other)).body, { state: 'closed' });
  const { participants } = (await talk.get(manager)).body as { participants: { role: string }[] };
  t.same(
    participants.map(({ role }) => role),
    ['customer', 'business'],
  );
});

t.test('of two agents who release and take at the same time, one has it', async (t) => {
  const { manager, ann, talk, business } = await setScene();
  const bob = await system.person();
  await system.rest('PUT', `/api/v1/businesses/${business}/agents/${bob.id}`, {
    ...{ token: manager.token, body: {} },
  });
  const racers: Person[] = [ann, bob, manager];
  for (let round = 0; round < 5; round += 1) {
    await talk.assign(manager, { agent_id: ann.id });
    await Promise.all([
      talk.release(ann),
      talk.assign(bob),
      talk.assign(manager, { agent_id: bob.id }),
      talk.close(manager),
      talk.reopen(manager),
    ]);
    const { body } = await talk.get(manager);
    const agents = (body.participants as { role: string; user_id: string }[]).filter(
      ({ role }) => role === 'agent',
    );
    const isAssigned = body.state === 'assigned';
    t.same(
      agents.map(({ user_id }) => user_id),
      isAssigned ? [body.assignee_id] : [],
    );
    t.equal(isAssigned, 'assignee_id' in body);
    t.equal(body.state === 'waiting', 'waiting_since' in body);
    for (const racer of racers) {
      const mayWrite = codeOf(await talk.say(racer, 'mine?')) === 'ok';
      t.equal(mayWrite, body.assignee_id === racer.id);
    }
    if (body.state === 'closed') await talk.reopen(manager);
  }
});
