import t from 'tap';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const ROUNDS = 10;
const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);
const errorOf = ({ body }: RestAnswer): object => body.error ?? {};
const isStep = (frame: Frame): boolean =>
  frame.type === 'conversation' && frame.change === 'assigned';
type Participant = { user_id: string; role: string };
const rolesIn = (body: object): [string, string][] =>
  (body as { participants: Participant[] }).participants.map(({ user_id, role }) => [
    user_id,
    role,
  ]);

/** A customer waits for an agent of a business, of which nobody is available. */
async function setScene() {
  const [customer, manager, ann, bob] = await system.people(4);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann, bob] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'Do you have momos?');
  return { customer, manager, ann, bob, business, talk };
}

t.test('a conversation with a business exists once, and is closed until its message', async (t) => {
  const [customer, manager] = await system.people(2);
  const business = await makeBusiness(system, { managers: [manager] });
  const body = { type: 'business', business_id: business };
  const create = (edge: number) =>
    system.rest('POST', '/api/v1/conversations', { token: customer.token, body, edge });
  const racing = await Promise.all(
    Array.from({ length: 8 }, (_, index) => create(1 + (index % 2))),
  );
  t.same(racing.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
  t.equal(new Set(racing.map(({ body: { conversation_id } }) => conversation_id)).size, 1);
  const [first] = racing as [RestAnswer];
  t.match(first.body, { ...body, state: 'closed', name: 'Unknown Business', last_seq: 0 });
  t.notOk('closed_at' in first.body || 'assignee_id' in first.body);
  t.same(rolesIn(first.body), [
    [customer.id, 'customer'],
    [business, 'business'],
  ]);
  const talk = new BusinessConversation(system, String(first.body.conversation_id));
  t.equal(codeOf(await talk.say(customer, 'Hello?')), 'ok');
  const { body: waiting } = await talk.get(customer);
  t.match(waiting, { state: 'waiting', last_seq: 1, waiting_since: String });
  const asked = { type: 'create_conversation', conversation: body };
  const client = await system.connectNew(customer);
  t.match((await client.ask(asked)).data, { conversation_id: talk.id, state: 'waiting' });
});

t.test('of two agents who take the same one, one wins, and the other is told who', async (t) => {
  const { manager, ann, bob, business } = await setScene();
  await system.rest('PUT', `/api/v1/businesses/${business}`, {
    ...{ token: manager.token, body: { time_zone: 'UTC', capacity: 100 } },
  });
  const sockets = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  for (let round = 0; round < ROUNDS; round += 1) {
    const customer = await system.person();
    const talk = await BusinessConversation.open(system, customer, business);
    await talk.say(customer, 'Me first');
    const byFrame = async (client: Client): Promise<object> => {
      const { data, error } = await client.ask({ type: 'assign', conversation_id: talk.id });
      return data ?? error ?? {};
    };
    const byRest = async (person: Person): Promise<object> => {
      const answer = await talk.assign(person);
      return codeOf(answer) === 'ok' ? answer.body : errorOf(answer);
    };
    const isRest = round % 2 === 0;
    const [a, b] = await Promise.all([
      isRest ? byRest(ann) : byFrame(sockets[0] as Client),
      byFrame(sockets[1] as Client),
    ]);
    const [winner, loser] = 'code' in (a as object) ? [b, a] : [a, b];
    const { assignee_id } = winner as { assignee_id: string };
    t.ok([ann.id, bob.id].includes(assignee_id));
    t.match(loser, { code: 'CONFLICT', details: { assignee_id } });
    const { body } = await talk.get(manager);
    t.match(body, { state: 'assigned', assignee_id });
  }
});

t.test('a step that holds already is answered, and writes nothing', async (t) => {
  const { customer, manager, ann, talk } = await setScene();
  const steps: [string, () => Promise<RestAnswer>][] = [
    ['take', () => talk.assign(ann)],
    ['release', () => talk.release(ann)],
    ['give', () => talk.assign(manager, { agent_id: ann.id })],
    ['close', () => talk.close(ann)],
    ['reopen', () => talk.reopen(ann)],
  ];
  for (const [name, step] of steps) {
    t.equal(codeOf(await step()), 'ok', name);
    const { body: before } = await talk.get(customer);
    t.equal(codeOf(await step()), 'ok', `${name} again`);
    const { body: after } = await talk.get(customer);
    t.same(after, before, `${name} again wrote nothing`);
  }
});

t.test('an assignee hands the conversation on, and has nothing of it any more', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  const [phone, a, b] = [
    await system.connectNew(customer),
    await system.connectNew(ann),
    await system.connectNew(bob, { edge: 2 }),
  ];
  await talk.assign(ann);
  await phone.next(isStep);
  const handed = await talk.assign(ann, { agent_id: bob.id });
  t.equal(codeOf(handed), 'ok');
  t.match(handed.body, { state: 'assigned', assignee_id: bob.id });
  t.notOk('unread' in handed.body, 'the caller reads it for the last time, and takes no part');
  const [, toBob] = [await a.next(isStep), await b.next(isStep)];
  t.match(toBob, { q: Number, conversation: { assignee_id: bob.id, unread: Number } });
  t.same(rolesIn(toBob.conversation as object), [
    [customer.id, 'customer'],
    [bob.id, 'agent'],
    [toBob.conversation && (toBob.conversation as { business_id: string }).business_id, 'business'],
  ]);
  const last = await a.next(isStep);
  t.notOk(rolesIn(last.conversation as object).some(([id]) => id === ann.id));
  t.match(await phone.next(isStep), { conversation: { assignee_id: bob.id } });
  t.equal(codeOf(await talk.get(ann)), 'NOT_A_PARTICIPANT');
  t.equal(codeOf(await talk.assign(ann)), 'CONFLICT');
  t.match(errorOf(await talk.assign(ann)), { details: { assignee_id: bob.id } });
  t.equal(codeOf(await talk.get(bob)), 'ok');
});

t.test('what an agent releases waits again, since the message that nobody answered', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  const { body: before } = await talk.get(customer);
  await talk.assign(ann);
  const released = await talk.release(ann);
  t.match(released.body, { state: 'waiting', waiting_since: before.waiting_since });
  t.notOk('assignee_id' in released.body);
  await talk.assign(bob);
  await talk.say(bob, 'We have');
  const { body: answered } = await talk.release(bob);
  t.ok(String(answered.waiting_since) > String(before.waiting_since), 'it waits since the release');
  const events = (await talk.history(customer)).filter(
    ({ sender_id }) => sender_id !== customer.id,
  );
  t.match(
    events.map(({ metadata, content }) => metadata ?? content),
    [
      { event: 'agent_assigned', user_id: ann.id, reason: 'manual' },
      { event: 'agent_assigned', user_id: bob.id, reason: 'manual' },
      'We have',
    ],
    'a release is no message',
  );
});

t.test('a manager takes, gives, closes and reopens what they have no part in', async (t) => {
  const { customer, manager, ann, bob, talk } = await setScene();
  t.equal(codeOf(await talk.say(manager, 'Hi')), 'NOT_A_PARTICIPANT', 'they take it to write');
  t.match((await talk.assign(manager, { agent_id: ann.id })).body, { assignee_id: ann.id });
  t.match((await talk.assign(manager, { agent_id: bob.id })).body, { assignee_id: bob.id });
  t.match((await talk.close(manager)).body, { state: 'closed', closed_at: String });
  t.match((await talk.reopen(manager)).body, { state: 'waiting', waiting_since: String });
  t.match((await talk.close(manager)).body, { state: 'closed' }, 'also what waits');
  t.match(errorOf(await talk.assign(manager)), { code: 'CONFLICT', details: { state: 'closed' } });
  await talk.reopen(manager);
  const taken = await talk.assign(manager);
  t.match(taken.body, { assignee_id: manager.id, unread: Number });
  t.equal(codeOf(await talk.say(manager, 'Hi')), 'ok');
  const said = (await talk.history(customer)).map(({ metadata }) => metadata);
  t.match(said.filter(Boolean), [
    { event: 'agent_assigned', user_id: ann.id, reason: 'manual' },
    { event: 'agent_assigned', user_id: bob.id, reason: 'transfer' },
    { event: 'conversation_closed' },
    { event: 'conversation_reopened' },
    { event: 'conversation_closed' },
    { event: 'conversation_reopened' },
    { event: 'agent_assigned', user_id: manager.id, reason: 'manual' },
  ]);
});

t.test('an agent with no place left is refused, unless by force', async (t) => {
  const { manager, ann, bob, business, talk } = await setScene();
  const agent = `/api/v1/businesses/${business}/agents/${ann.id}`;
  await system.rest('PUT', agent, { token: manager.token, body: { capacity: 1 } });
  await talk.assign(ann);
  const another = await system.person();
  const second = await BusinessConversation.open(system, another, business);
  await second.say(another, 'And I?');
  const details = { capacity: 1, open: 1 };
  t.match(errorOf(await second.assign(ann)), { code: 'CONFLICT', details });
  const given = await second.assign(manager, { agent_id: ann.id });
  t.match(errorOf(given), { code: 'CONFLICT', details });
  await second.assign(bob);
  t.match(errorOf(await second.assign(bob, { agent_id: ann.id })), { code: 'CONFLICT', details });
  const forced = await second.assign(bob, { agent_id: ann.id, force: true });
  t.match(forced.body, { assignee_id: ann.id });
  t.match(errorOf(await talk.assign(bob)), { details: { assignee_id: ann.id } });
});

t.test('the agent who has had it last is assigned again without a message', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  const phone = await system.connectNew(customer);
  const isSaid = (event: string) => (frame: Frame) =>
    (frame.metadata as { event?: string } | undefined)?.event === event;
  await talk.assign(ann);
  await phone.next(isSaid('agent_assigned'));
  await talk.close(ann);
  await phone.next(isSaid('conversation_closed'));
  t.match((await talk.get(ann)).body, { state: 'closed' }, 'the last agent still reads it');
  await talk.say(customer, 'One more question');
  t.equal((await talk.get(bob)).body.state, 'waiting');
  await talk.assign(ann);
  await talk.release(ann);
  await talk.assign(bob);
  await phone.next(isSaid('agent_assigned'));
  const assigned = (await talk.history(customer)).filter(isSaid('agent_assigned'));
  t.match(
    assigned.map(({ metadata }) => metadata),
    [{ user_id: ann.id }, { user_id: bob.id }],
  );
  await talk.close(bob);
  t.equal(codeOf(await talk.get(ann)), 'NOT_A_PARTICIPANT', 'another has had it since');
});

t.test('the aliases of a path take the same steps', async (t) => {
  const { ann, talk } = await setScene();
  const { token } = ann;
  const ask = async (method: string, path: string, body?: unknown) => {
    const { status, body: shown } = await system.rest(method, path, { token, body });
    return [status, shown.conversation_id, shown.state];
  };
  const chats = `/api/v1/chats/${talk.id}`;
  const chat = `/api/chat/conversations/${talk.id}`;
  t.same(await ask('PUT', `${chats}/assignee`, {}), [200, talk.id, 'assigned']);
  t.same(await ask('DELETE', `${chat}/assignee`), [200, talk.id, 'waiting']);
  t.same(await ask('PUT', `${chat}/assignee`), [200, talk.id, 'assigned']);
  t.same(await ask('PUT', `${chats}/state`, { state: 'closed' }), [200, talk.id, 'closed']);
  t.same(await ask('PUT', `${chat}/state`, { state: 'waiting' }), [200, talk.id, 'waiting']);
});
