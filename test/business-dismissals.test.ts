import t from 'tap';
import { askAsService, NEVER_OPEN } from './stage/business.ts';
import type { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { Desk, type Visit } from './stage/desk.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);
const idIn = (frame: Frame): unknown =>
  frame.conversation_id ?? (frame.conversation as Frame | undefined)?.conversation_id;
const isClosing =
  ({ id }: BusinessConversation) =>
  (frame: Frame): boolean =>
    frame.type === 'conversation' && frame.change === 'assigned' && idIn(frame) === id;
const isSaid =
  (content: string) =>
  (frame: Frame): boolean =>
    frame.type === 'message' && frame.content === content;
const participantsIn = (frame: Frame): string[] =>
  (frame.conversation as { participants: { user_id: string }[] }).participants.map(
    ({ user_id }) => user_id,
  );

/** Ann has conversations of so many customers, and opens sockets on two more devices. */
async function setScene(count: number) {
  const [ann, bob] = await system.people(2);
  const desk = await Desk.open(system, {
    ...{ agents: [ann, bob], settings: NEVER_OPEN, isAvailable: false },
  });
  const visits = await desk.visits(count);
  for (const { talk } of visits) await talk.assign(ann);
  const tablet = await system.connectNew(ann, { edge: 1, device: 'tablet' });
  const laptop = await system.connectNew(ann, { edge: 2, device: 'laptop' });
  return { ann, bob, desk, visits, devices: [tablet, laptop] };
}

const dismiss = (desk: Desk, { id }: Person) =>
  askAsService(system, `DELETE /businesses/${desk.id}/agents/${id}`);

/** Returns what the device got of the conversation after it was told that it is lost. */
function afterClosing(device: Client, talk: BusinessConversation): Frame[] {
  const about = device.received.filter((frame) => idIn(frame) === talk.id);
  return about.slice(about.findIndex(isClosing(talk)) + 1);
}

t.test('a dismissed agent is told on each device, and gets nothing afterwards', async (t) => {
  const { ann, desk, visits, devices } = await setScene(3);
  for (const { talk, customer } of visits) await talk.say(customer, 'Are you there?');
  t.equal(codeOf(await dismiss(desk, ann)), 'ok');
  for (const { talk, customer } of visits) {
    for (const device of devices) {
      const last = await device.next(isClosing(talk));
      t.same(participantsIn(last), [customer.id, desk.id]);
      t.ok(device.received.some(isSaid('Are you there?')), 'what was sent before comes before');
    }
    t.match((await talk.get(customer)).body, { state: 'waiting' });
    t.equal(codeOf(await talk.get(ann)), 'NOT_A_PARTICIPANT');
    await talk.say(customer, 'And now?');
  }
  const first = visits[0] as Visit;
  const client = await system.connectNew(first.customer);
  await client.ask({ type: 'typing', conversation_id: first.talk.id, is_typing: true });
  for (const device of devices) {
    await device.settled();
    for (const { talk } of visits) t.same(afterClosing(device, talk), []);
  }
  const hired = await askAsService(system, `PUT /businesses/${desk.id}/agents/${ann.id}`, {});
  t.equal(codeOf(hired), 'ok');
  const again = await first.talk.assign(ann);
  t.match(again.body, { assignee_id: ann.id, unread: Number }, 'who comes back may take it again');
});

t.test('a dismissal amid messages comes after all that the agent gets of them', async (t) => {
  const { ann, desk, visits, devices } = await setScene(1);
  const { talk, customer } = visits[0] as Visit;
  const phone = await system.connectNew(customer);
  let isOver = false;
  const writing = (async (): Promise<void> => {
    while (!isOver) {
      const { error } = await phone.post(talk.id, 'hurry');
      if (error !== undefined && error.code !== 'RATE_LIMITED') throw new Error(error.code);
    }
  })();
  await devices[0]?.messages(8);
  t.equal(codeOf(await dismiss(desk, ann)), 'ok');
  const heard = phone.messageEvents.length;
  await phone.messages(heard + 3);
  isOver = true;
  await writing;
  for (const device of devices) {
    const last = await device.next(isClosing(talk));
    await device.settled();
    t.same(afterClosing(device, talk), []);
    t.equal(
      device.received.findLast(({ q }) => q !== undefined),
      last,
      'nothing comes after it',
    );
    // The first two are the customer's message and the agent's own step, which came before.
    const seqs = new Set(device.messageEvents.map(({ seq }) => seq).filter((seq) => seq > 2));
    t.same(seqs, new Set(numbers(3, Math.max(...seqs))), 'nothing that came before is missing');
  }
});

t.test('what a dismissed agent had is given to others, with its old waiting time', async (t) => {
  const { ann, bob, desk, visits } = await setScene(2);
  const before = await system.sql(
    'select unanswered_since from conversations where business_id = $1 order by 1',
    [desk.id],
  );
  await desk.set({});
  await desk.say(bob, 'available');
  const list = { agents: [{ user_id: bob.id }] };
  t.equal(codeOf(await askAsService(system, `PUT /businesses/${desk.id}/agents`, list)), 'ok');
  for (const visit of visits) await desk.untilHeld(visit, bob);
  const steps = await desk.steps();
  t.match(
    steps
      .slice(-4)
      .map(({ step, reason }) => `${step} ${reason}`)
      .sort(),
    ['assigned auto', 'assigned auto', 'released removed', 'released removed'],
  );
  const given = steps.filter(({ reason }) => reason === 'auto');
  t.same(
    given.map(({ waiting_since }) => waiting_since),
    before.map(({ unanswered_since }) => unanswered_since),
    'who has waited longest comes first',
  );
  t.equal(codeOf(await (visits[0] as Visit).talk.get(ann)), 'NOT_A_PARTICIPANT');
});
