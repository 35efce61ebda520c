import t from 'tap';
import { askAsService, makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);
const participantsOf = ({ conversation }: Frame): string[] =>
  (conversation as { participants: { user_id: string }[] }).participants.map(
    ({ user_id }) => user_id,
  );
const isLoss =
  ({ id }: Person) =>
  (frame: Frame): boolean =>
    frame.type === 'conversation' && !participantsOf(frame).includes(id);
const numberedOf = (client: Client): Frame[] => client.received.filter(({ q }) => q !== undefined);

/** Ann has the conversation. */
async function setScene() {
  const [customer, manager, ann, bob] = await system.people(4);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann, bob] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'first');
  await talk.assign(ann);
  return { customer, manager, ann, bob, business, talk };
}

t.test('a device that was away while its agent lost all gets what came before', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  await (await system.connectNew(ann, { device: 'tablet' })).close();
  for (const n of numbers(1, 3)) await talk.say(customer, `before ${n}`);
  await talk.assign(ann, { agent_id: bob.id });
  const loss = (await talk.history(customer)).length;
  for (const n of numbers(1, 3)) await talk.say(customer, `after ${n}`);
  const tablet = await system.connect(ann, { device: 'tablet' });
  const last = await tablet.next(isLoss(ann));
  await tablet.settled();
  t.equal(tablet.received[0]?.resumed, true);
  t.match(
    tablet.messageEvents.map(({ content }) => content),
    ['before 1', 'before 2', 'before 3'],
  );
  t.ok(tablet.messageEvents.every(({ seq }) => seq < loss));
  t.equal(numberedOf(tablet).at(-1), last);
});

t.test('a new device is sent nothing again of what its agent has lost', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  await talk.say(customer, 'unread');
  const before = await system.connectNew(ann, { device: 'before' });
  t.match(before.messageEvents.map(({ content }) => content).at(-1), 'unread');
  await talk.assign(ann, { agent_id: bob.id });
  await talk.say(customer, 'for Bob');
  const after = await system.connectNew(ann, { device: 'after', edge: 2 });
  t.same(after.messageEvents, []);
  const b = await system.connectNew(bob);
  const { seq } = (await talk.history(bob)).at(-1) as { seq: number };
  t.same(seqsOf(b.messageEvents), numbers(1, seq));
});

t.test('what a dismissed agent has waits again at once, and is theirs no more', async (t) => {
  const { customer, manager, ann, bob, business, talk } = await setScene();
  const other = await system.person();
  const second = await BusinessConversation.open(system, other, business);
  await second.say(other, 'second');
  await second.assign(ann);
  await second.say(ann, 'answered');
  const phone = await system.connectNew(ann);
  const { body: before } = await talk.get(customer);
  const path = `/api/v1/businesses/${business}/agents/${ann.id}`;
  const { status } = await system.rest('DELETE', path, { token: manager.token });
  t.equal(status, 204);
  for (const [one, person] of [
    [talk, customer],
    [second, other],
  ] as const) {
    const { body } = await one.get(person);
    t.match(body, { state: 'waiting' });
    t.notOk(participantsOf({ type: '', conversation: body }).includes(ann.id));
    for (const answer of [
      await one.get(ann),
      await one.say(ann, 'still here'),
      await one.assign(ann),
    ]) {
      t.equal(codeOf(answer), 'NOT_A_PARTICIPANT');
    }
    await phone.next(isLoss(ann));
  }
  const since = ({ body }: RestAnswer) => String(body.waiting_since);
  t.ok(since(await talk.get(customer)) < String((await talk.get(customer)).body.last_activity));
  t.ok(since(await talk.get(customer)) <= String(before.last_activity), 'with its old time');
  await talk.say(customer, 'anybody?');
  await phone.settled();
  t.notOk(phone.messageEvents.some(({ content }) => content === 'anybody?'));
  t.match((await talk.assign(bob)).body, { assignee_id: bob.id, state: 'assigned' });
});

t.test('a list of agents that leaves one out takes their conversations, too', async (t) => {
  const { customer, manager, ann, bob, business, talk } = await setScene();
  const agents = [{ user_id: manager.id, role: 'manager' }, { user_id: bob.id }];
  await askAsService(system, `PUT /businesses/${business}/agents`, { agents });
  t.match((await talk.get(customer)).body, { state: 'waiting' });
  t.equal(codeOf(await talk.get(ann)), 'NOT_A_PARTICIPANT');
  t.equal(codeOf(await talk.get(bob)), 'ok');
});

t.test('the list of conversations shows each step, to those who take part', async (t) => {
  const { customer, manager, ann, bob, talk } = await setScene();
  const listed = async ({ token }: Person) => {
    const { body } = await system.rest('GET', '/api/v1/conversations', { token });
    const all = body.conversations as { conversation_id: string }[];
    return all.find(({ conversation_id }) => conversation_id === talk.id);
  };
  const steps: [string, () => Promise<RestAnswer>, Person | undefined][] = [
    ['taken', () => talk.assign(ann), ann],
    ['answered', () => talk.say(ann, 'yes?'), ann],
    ['handed on', () => talk.assign(ann, { agent_id: bob.id }), bob],
    ['given back', () => talk.release(bob), undefined],
    ['taken again', () => talk.assign(bob), bob],
    ['closed', () => talk.close(bob), undefined],
    ['reopened', () => talk.reopen(bob), undefined],
    ['closed by a manager', () => talk.close(manager), undefined],
    ['opened by a message', () => talk.say(customer, 'again'), undefined],
    ['taken by a manager', () => talk.assign(manager), manager],
  ];
  for (const [name, step, holder] of steps) {
    t.equal(codeOf(await step()), 'ok', name);
    t.same(await listed(customer), (await talk.get(customer)).body, `${name}: the customer`);
    for (const agent of [manager, ann, bob]) {
      const shown = agent === holder ? (await talk.get(agent)).body : undefined;
      t.same(await listed(agent), shown, `${name}: an agent`);
    }
  }
});
